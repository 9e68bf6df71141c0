// Distribution 3, from its own packages: the API, sign-in by htpasswd and by token, the pull-through cache and storage
// in a directory. Its own main would bring the drivers of every cloud along, which take minutes to compile.
package main

import (
	"context"
	"log"
	"net/http"
	"os"

	"bake-ts.local/registries/serve"

	"github.com/distribution/distribution/v3/configuration"
	_ "github.com/distribution/distribution/v3/registry/auth/htpasswd"
	_ "github.com/distribution/distribution/v3/registry/auth/token"
	"github.com/distribution/distribution/v3/registry/handlers"
	_ "github.com/distribution/distribution/v3/registry/proxy"
	_ "github.com/distribution/distribution/v3/registry/storage/driver/filesystem"
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
