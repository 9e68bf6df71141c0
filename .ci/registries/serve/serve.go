// Package serve is what the registries of the tests share: settings, TLS, an access log.
package serve

import (
	"crypto/tls"
	"crypto/x509"
	"log"
	"net/http"
	"os"

	"github.com/gorilla/handlers"
)

// Address is where to listen, and how.
type Address struct {
	// Host and port.
	Host string
	// PEM files; both empty for plain http.
	Certificate, Key string
	// PEM files of the authorities of clients' certificates, which are demanded where this is not empty.
	ClientCAs []string
}

// Main runs `PROGRAM serve FILE`: a registry by the settings in FILE, until it is killed.
func Main(open func(settings *os.File) (http.Handler, Address)) {
	if len(os.Args) != 3 || os.Args[1] != "serve" {
		log.Fatalf("usage: %s serve FILE", os.Args[0])
	}
	settings, err := os.Open(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	registry, address := open(settings)
	server := http.Server{Addr: address.Host, Handler: handlers.CombinedLoggingHandler(os.Stdout, registry)}
	if address.Certificate == "" {
		log.Fatal(server.ListenAndServe())
	}
	if len(address.ClientCAs) > 0 {
		server.TLSConfig = &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: x509.NewCertPool()}
		for _, file := range address.ClientCAs {
			authority, err := os.ReadFile(file)
			if err != nil || !server.TLSConfig.ClientCAs.AppendCertsFromPEM(authority) {
				log.Fatalf("%s: no certificate (%v)", file, err)
			}
		}
	}
	log.Fatal(server.ListenAndServeTLS(address.Certificate, address.Key))
}
