// Go's HTTP client: uploads and downloads side by side, over HTTP/1.1 or HTTP/2; prints JSON.
package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
)

type answer struct {
	Status  int    `json:"status"`
	Version string `json:"version"`
	Digest  string `json:"digest"`
}

func main() {
	port, name, cacert, version := os.Args[1], os.Args[2], os.Args[3], os.Args[4]
	count, _ := strconv.Atoi(os.Args[5])
	size, _ := strconv.Atoi(os.Args[6])
	client := newClient(port, cacert, version)
	answers := make([]answer, count)
	var group sync.WaitGroup
	for number := range answers {
		group.Add(1)
		go func() {
			defer group.Done()
			answers[number] = ask(client, name, number, size)
		}()
	}
	group.Wait()
	check(json.NewEncoder(os.Stdout).Encode(answers))
}

func newClient(port, cacert, version string) *http.Client {
	pem, err := os.ReadFile(cacert)
	check(err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, "127.0.0.1:"+port)
	}
	return &http.Client{Transport: &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: roots},
		DialContext:       dial,
		ForceAttemptHTTP2: version == "2",
	}}
}

func ask(client *http.Client, name string, number, size int) answer {
	// A reader that is no buffer has no known length: chunks, or DATA frames up to the last.
	body := io.MultiReader(bytes.NewReader(bytes.Repeat([]byte{byte(number)}, size)))
	response, err := client.Post(fmt.Sprintf("https://%s/%d", name, number), "text/plain", body)
	check(err)
	defer response.Body.Close()
	digest := sha256.New()
	_, err = io.Copy(digest, response.Body)
	check(err)
	return answer{response.StatusCode, response.Proto, hex.EncodeToString(digest.Sum(nil))}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
