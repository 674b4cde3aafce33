// Verify reads a PEM root, a PEM leaf and names, and says whether Go's client would believe them.
package main

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
)

func certificate(path string) *x509.Certificate {
	content, err := os.ReadFile(path)
	if err != nil {
		panic(err)
	}
	block, _ := pem.Decode(content)
	found, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		fmt.Println("refused:", err)
		os.Exit(1)
	}
	return found
}

func main() {
	roots := x509.NewCertPool()
	roots.AddCert(certificate(os.Args[1]))
	leaf := certificate(os.Args[2])
	for _, name := range os.Args[3:] {
		if _, err := leaf.Verify(x509.VerifyOptions{DNSName: name, Roots: roots}); err != nil {
			fmt.Println("refused:", err)
			os.Exit(1)
		}
	}
	fmt.Println("believed")
}
