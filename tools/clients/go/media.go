// One request to the media API with Go's standard library, as Go's client libraries make it: the form is written
// through a pipe, so the body is chunked, and `mime.FormatMediaType` puts an unquoted filename before the name.
package main

import (
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"os"
	"path/filepath"
)

func main() {
	method, url, header, value := os.Args[1], os.Args[2], os.Args[3], os.Args[4]
	verb := map[string]string{"upload": "POST", "get": "GET", "delete": "DELETE"}[method]
	var body io.Reader
	contentType := ""
	if method == "upload" {
		body, contentType = form(os.Args[5], os.Args[6])
	}
	request, err := http.NewRequest(verb, url, body)
	check(err)
	request.Header.Set(header, value)
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	response, err := http.DefaultClient.Do(request)
	check(err)
	defer response.Body.Close()
	fmt.Println(response.StatusCode)
	_, err = io.Copy(os.Stdout, response.Body)
	check(err)
}

func form(path, contentType string) (io.Reader, string) {
	reader, pipe := io.Pipe()
	writer := multipart.NewWriter(pipe)
	go func() {
		err := writer.WriteField("messaging_product", "whatsapp")
		names := map[string]string{"name": "file", "filename": filepath.Base(path)}
		head := textproto.MIMEHeader{}
		head.Set("Content-Disposition", mime.FormatMediaType("form-data", names))
		head.Set("Content-Type", contentType)
		part, partErr := writer.CreatePart(head)
		file, openErr := os.Open(path)
		for _, e := range []error{err, partErr, openErr} {
			if e != nil {
				pipe.CloseWithError(e)
				return
			}
		}
		defer file.Close()
		if _, err = io.Copy(part, file); err == nil {
			err = writer.Close()
		}
		pipe.CloseWithError(err)
	}()
	return reader, writer.FormDataContentType()
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
