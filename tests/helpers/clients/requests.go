// Go's HTTP parser: reads streams of requests, in base64 and JSON, and prints what it makes of each.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
)

type request struct {
	Method string   `json:"method"`
	Target string   `json:"target"`
	Host   string   `json:"host"`
	Fields []string `json:"fields"`
	Body   string   `json:"body"`
}

func main() {
	var streams [][]byte
	check(json.NewDecoder(os.Stdin).Decode(&streams))
	found := make([][]request, len(streams))
	for at, stream := range streams {
		found[at] = read(bufio.NewReader(bytes.NewReader(stream)))
	}
	check(json.NewEncoder(os.Stdout).Encode(found))
}

func read(stream *bufio.Reader) []request {
	found := []request{}
	for {
		read, err := http.ReadRequest(stream)
		if err == io.EOF {
			return found
		}
		check(err)
		body, err := io.ReadAll(read.Body)
		check(err)
		one := request{read.Method, read.RequestURI, read.Host, lines(read.Header), latin1(string(body))}
		found = append(found, one)
	}
}
