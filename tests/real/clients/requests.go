// Go's HTTP parser: reads a stream of requests from standard input and prints what it makes of them.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
)

type request struct {
	Method string   `json:"method"`
	Target string   `json:"target"`
	Host   string   `json:"host"`
	Fields []string `json:"fields"`
	Body   string   `json:"body"`
}

func main() {
	stream, found := bufio.NewReader(os.Stdin), []request{}
	for {
		read, err := http.ReadRequest(stream)
		if err == io.EOF {
			break
		}
		check(err)
		body, err := io.ReadAll(read.Body)
		check(err)
		fields := []string{}
		for name, values := range read.Header {
			for _, value := range values {
				fields = append(fields, strings.ToLower(name)+": "+latin1(value))
			}
		}
		found = append(found, request{read.Method, read.RequestURI, read.Host, fields, latin1(string(body))})
	}
	check(json.NewEncoder(os.Stdout).Encode(found))
}

// latin1 makes a character of each byte, since JSON has no others.
func latin1(bytes string) string {
	characters := make([]rune, len(bytes))
	for at := range characters {
		characters[at] = rune(bytes[at])
	}
	return string(characters)
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
