// The registry of go-containerregistry (`crane registry serve`): in memory, without sign-in, with the referrers API.
package main

import (
	"encoding/json"
	"io"
	stdlog "log"
	"net/http"
	"os"

	"bake-ts.local/registries/serve"

	"github.com/google/go-containerregistry/pkg/registry"
)

func main() {
	serve.Main(func(settings *os.File) (http.Handler, serve.Address) {
		var config struct {
			HTTP struct {
				Addr string
				TLS  struct {
					Certificate, Key string
					ClientCAs        []string
				}
			}
		}
		if err := json.NewDecoder(settings).Decode(&config); err != nil {
			stdlog.Fatal(err)
		}
		tls := config.HTTP.TLS
		// Its own log has no status; the access log is enough.
		quiet := registry.Logger(stdlog.New(io.Discard, "", 0))
		return registry.New(registry.WithReferrersSupport(true), quiet), serve.Address{
			Host: config.HTTP.Addr, Certificate: tls.Certificate, Key: tls.Key, ClientCAs: tls.ClientCAs,
		}
	})
}
