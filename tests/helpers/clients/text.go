// What the readers share: bytes as text that JSON can hold, and fields as lines.
package main

import (
	"fmt"
	"net/http"
	"os"
	"strings"
)

// latin1 makes a character of each byte, since JSON has no others.
func latin1(bytes string) string {
	characters := make([]rune, len(bytes))
	for at := range characters {
		characters[at] = rune(bytes[at])
	}
	return string(characters)
}

// lines writes each field as `name: value`, the name in lower case.
func lines(header map[string][]string) []string {
	found := []string{}
	for name, values := range header {
		for _, value := range values {
			found = append(found, strings.ToLower(name)+": "+latin1(value))
		}
	}
	return found
}

type response struct {
	Status int      `json:"status"`
	Reason string   `json:"reason"`
	Fields []string `json:"fields"`
	Body   string   `json:"body"`
}

// newResponse keeps of the status line what stands behind the code.
func newResponse(read *http.Response, body []byte) response {
	_, reason, _ := strings.Cut(read.Status, " ")
	return response{read.StatusCode, latin1(reason), lines(read.Header), latin1(string(body))}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
