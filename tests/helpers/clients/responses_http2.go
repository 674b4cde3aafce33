// Go's HTTP/2 client: asks for streams of responses, and prints what it is told.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"os"
)

type wanted struct {
	Methods []string `json:"methods"`
	Paths   []string `json:"paths"`
}

func main() {
	port, name, cacert := os.Args[1], os.Args[2], os.Args[3]
	var streams []wanted
	check(json.NewDecoder(os.Stdin).Decode(&streams))
	client, found := newClient(port, cacert), make([][]response, len(streams))
	for at, stream := range streams {
		found[at] = []response{}
		for number, path := range stream.Paths {
			found[at] = append(found[at], ask(client, stream.Methods[number], "https://"+name+path)...)
		}
	}
	check(json.NewEncoder(os.Stdout).Encode(found))
}

func newClient(port, cacert string) *http.Transport {
	pem, err := os.ReadFile(cacert)
	check(err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	return &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, "127.0.0.1:"+port)
		},
		ForceAttemptHTTP2:  true,
		DisableCompression: true,
	}
}

// ask returns the interim responses and the final one.
func ask(client *http.Transport, method, address string) []response {
	found := []response{}
	trace := httptrace.ClientTrace{Got1xxResponse: func(status int, header textproto.MIMEHeader) error {
		found = append(found, response{Status: status, Fields: lines(header)})
		return nil
	}}
	request, err := http.NewRequest(method, address, nil)
	check(err)
	read, err := client.RoundTrip(request.WithContext(httptrace.WithClientTrace(request.Context(), &trace)))
	check(err)
	body, err := io.ReadAll(read.Body)
	// Go misses the body that a 304 tells the length of, and never has (RFC 9113 §8.1.1).
	if read.StatusCode != http.StatusNotModified || err != io.ErrUnexpectedEOF {
		check(err)
	}
	final := newResponse(read, body)
	final.Reason = ""
	if read.ProtoMajor != 2 {
		final.Reason = read.Proto
	}
	return append(found, final)
}
