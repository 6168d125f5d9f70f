import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.util.UUID;

/**
 * One request to the media API with the JDK's own HttpClient. Over plain HTTP it asks for an upgrade to HTTP/2 (h2c)
 * with every first request, uploads included. The form is laid out as OkHttp does it: a length in every part.
 */
public class Media {
    public static void main(String[] arguments) throws Exception {
        var request = HttpRequest.newBuilder(URI.create(arguments[1])).header(arguments[2], arguments[3]);
        switch (arguments[0]) {
            case "upload" -> upload(request, Path.of(arguments[4]), arguments[5]);
            case "delete" -> request.DELETE();
            default -> request.GET();
        }
        var response = HttpClient.newHttpClient().send(request.build(), BodyHandlers.ofByteArray());
        System.out.print(response.statusCode() + "\n");
        System.out.write(response.body());
        System.out.flush();
    }

    static void upload(HttpRequest.Builder request, Path file, String type) throws Exception {
        var boundary = UUID.randomUUID().toString();
        var before = "--" + boundary + "\r\nContent-Disposition: form-data; name=\"file\"; filename=\""
                + file.getFileName() + "\"\r\nContent-Type: " + type + "\r\nContent-Length: " + file.toFile().length()
                + "\r\n\r\n";
        var after = "\r\n--" + boundary + "\r\nContent-Disposition: form-data; name=\"messaging_product\"\r\n"
                + "Content-Length: 8\r\n\r\nwhatsapp\r\n--" + boundary + "--\r\n";
        var body = BodyPublishers.concat(
                BodyPublishers.ofString(before), BodyPublishers.ofFile(file), BodyPublishers.ofString(after));
        request.header("Content-Type", "multipart/form-data; boundary=" + boundary).POST(body);
    }
}
