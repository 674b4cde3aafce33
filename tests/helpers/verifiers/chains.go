// Chains reads chains with their roots as JSON and says what Go's client makes of each.
package main

import (
	"crypto/x509"
	"encoding/json"
	"os"
	"time"
)

type chain struct {
	Host string
	Now  time.Time
	Root []byte
	Sent [][]byte
}

func verdict(one chain) string {
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	root, err := x509.ParseCertificate(one.Root)
	if err != nil {
		return err.Error()
	}
	roots.AddCert(root)
	var leaf *x509.Certificate
	for place, der := range one.Sent {
		found, err := x509.ParseCertificate(der)
		if err != nil {
			return err.Error()
		}
		if place == 0 {
			leaf = found
		} else {
			between.AddCert(found)
		}
	}
	options := x509.VerifyOptions{DNSName: one.Host, Roots: roots, Intermediates: between, CurrentTime: one.Now}
	if _, err := leaf.Verify(options); err != nil {
		return err.Error()
	}
	return "ok"
}

func main() {
	var chains []chain
	if err := json.NewDecoder(os.Stdin).Decode(&chains); err != nil {
		panic(err)
	}
	said := make([]string, len(chains))
	for place, one := range chains {
		said[place] = verdict(one)
	}
	if err := json.NewEncoder(os.Stdout).Encode(said); err != nil {
		panic(err)
	}
}
