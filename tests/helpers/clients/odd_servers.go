// Servers of crypto/tls that take one thing each; their ports are printed in the order of the arguments.
package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os"
)

var odd = map[string]tls.Config{
	"SecP256r1MLKEM768":  {CurvePreferences: []tls.CurveID{4587}},
	"SecP384r1MLKEM1024": {CurvePreferences: []tls.CurveID{4589}},
	"X25519MLKEM768":     {CurvePreferences: []tls.CurveID{4588}},
	"mqtt":               {NextProtos: []string{"mqtt"}, MinVersion: tls.VersionTLS13},
	"client certificate": {ClientAuth: tls.RequireAnyClientCert, MinVersion: tls.VersionTLS13},
}

func answer(to http.ResponseWriter, _ *http.Request) {
	to.WriteHeader(http.StatusEarlyHints)
	to.Header().Set("Strict-Transport-Security", "max-age=31536000")
	to.WriteHeader(http.StatusNotFound)
}

func main() {
	pair, err := tls.LoadX509KeyPair(os.Args[1], os.Args[2])
	if err != nil {
		panic(err)
	}
	for _, name := range os.Args[3:] {
		config := odd[name]
		config.Certificates = []tls.Certificate{pair}
		listener, err := tls.Listen("tcp", "127.0.0.1:0", &config)
		if err != nil {
			panic(err)
		}
		fmt.Println(listener.Addr())
		go http.Serve(listener, http.HandlerFunc(answer))
	}
	io.Copy(io.Discard, os.Stdin) // until the test goes
}
