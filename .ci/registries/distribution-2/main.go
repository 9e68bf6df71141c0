// Distribution 2.8, from its own packages: the API, sign-in by htpasswd and by token, the pull-through cache and storage
// in a directory. Its own main wants modules for clouds, certificates and error trackers that no test has a use for.
package main

import (
	"context"
	"log"
	"net/http"
	"os"

	"bake-ts.local/registries/serve"

	"github.com/docker/distribution/configuration"
	_ "github.com/docker/distribution/registry/auth/htpasswd"
	_ "github.com/docker/distribution/registry/auth/token"
	"github.com/docker/distribution/registry/handlers"
	_ "github.com/docker/distribution/registry/proxy"
	_ "github.com/docker/distribution/registry/storage/driver/filesystem"
)

func main() {
	serve.Main(func(settings *os.File) (http.Handler, serve.Address) {
		config, err := configuration.Parse(settings)
		if err != nil {
			log.Fatal(err)
		}
		tls := config.HTTP.TLS
		return handlers.NewApp(context.Background(), config), serve.Address{
			Host: config.HTTP.Addr, Certificate: tls.Certificate, Key: tls.Key, ClientCAs: tls.ClientCAs,
		}
	})
}
