// Go's HTTP parser: reads streams of responses, in base64 and JSON, and prints what it makes of each.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
)

type recorded struct {
	Methods []string `json:"methods"`
	Stream  []byte   `json:"stream"`
}

func main() {
	var streams []recorded
	check(json.NewDecoder(os.Stdin).Decode(&streams))
	found := make([][]response, len(streams))
	for at, stream := range streams {
		found[at] = read(stream)
	}
	check(json.NewEncoder(os.Stdout).Encode(found))
}

func read(one recorded) []response {
	stream, found := bufio.NewReader(bytes.NewReader(one.Stream)), []response{}
	for _, method := range one.Methods {
		for status := 0; status < 200; {
			read, err := http.ReadResponse(stream, &http.Request{Method: method})
			check(err)
			body, err := io.ReadAll(read.Body)
			check(err)
			found, status = append(found, newResponse(read, body)), read.StatusCode
		}
	}
	if _, err := stream.ReadByte(); err != io.EOF {
		check(errors.New("bytes follow the last response"))
	}
	return found
}
