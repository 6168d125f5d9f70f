<?php

// One request to the media API with PHP's curl extension and CURLFile, as PHP tutorials of both vendors show it.

[, $method, $url, $header, $value] = $argv;
$options = [
    CURLOPT_CUSTOMREQUEST => ['upload' => 'POST', 'get' => 'GET', 'delete' => 'DELETE'][$method],
    CURLOPT_HTTPHEADER => ["$header: $value"],
    CURLOPT_RETURNTRANSFER => true,
    CURLOPT_FOLLOWLOCATION => true,
];
if ($method === 'upload') {
    $options[CURLOPT_HTTPHEADER][] = 'Content-Type: multipart/form-data';
    $options[CURLOPT_POSTFIELDS] = [
        'messaging_product' => 'whatsapp',
        'type' => $argv[6],
        'file' => new CURLFile($argv[5], $argv[6], basename($argv[5])),
    ];
}
$curl = curl_init($url);
curl_setopt_array($curl, $options);
$body = curl_exec($curl);
if ($body === false) {
    fwrite(STDERR, curl_error($curl));
    exit(1);
}
echo curl_getinfo($curl, CURLINFO_RESPONSE_CODE), "\n", $body;
