// The part of a kubelet that `kubectl exec` needs, for tests: what Kubernetes' own kubelet uses to speak with the API server
// (k8s.io/cri-streaming), and in place of containers the command `buildctl dial-stdio` against a buildkitd of this machine.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"

	"k8s.io/cri-streaming/pkg/streaming/remotecommand"
	utilexec "k8s.io/utils/exec"
)

// The versions of the protocol that a kubelet has.
var protocols = []string{"v4.channel.k8s.io", "v3.channel.k8s.io", "v2.channel.k8s.io", "channel.k8s.io"}

// containers reads which there are, NAMESPACE/POD/CONTAINER each, and the address of the buildkitd "in" it; anew for each
// question, so that a test changes it as it goes on.
func containers(file string) (map[string]string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	found := map[string]string{}
	return found, json.Unmarshal(text, &found)
}

type executor struct{ address, buildctl string }

func (e executor) ExecInContainer(ctx context.Context, _, _, _ string, cmd []string, in io.Reader, out, errOut io.WriteCloser, _ bool, _ <-chan remotecommand.TerminalSize, _ time.Duration) error {
	if strings.Join(cmd, " ") != "buildctl dial-stdio" {
		// As runc says it.
		return fmt.Errorf("OCI runtime exec failed: exec failed: unable to start container process: exec: %q: executable file not found in $PATH", cmd[0])
	}
	running := exec.CommandContext(ctx, e.buildctl, "dial-stdio")
	running.Env = append(os.Environ(), "BUILDKIT_HOST="+e.address)
	running.Stdout, running.Stderr = out, errOut
	// Not Stdin: Wait would then wait for the client to say its last word, too.
	stdin, err := running.StdinPipe()
	if err != nil {
		return err
	}
	if err := running.Start(); err != nil {
		return err
	}
	go func() {
		_, _ = io.Copy(stdin, in)
		_ = stdin.Close()
	}()
	err = running.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return utilexec.CodeExitError{Err: err, Code: exit.ExitCode()}
	}
	return err
}

func main() {
	listen := flag.String("listen", "127.0.0.1:0", "address")
	cert := flag.String("cert", "", "certificate, PEM")
	key := flag.String("key", "", "its key, PEM")
	ca := flag.String("client-ca", "", "who signs the API server's certificate, PEM")
	file := flag.String("containers", "", "JSON: NAMESPACE/POD/CONTAINER to address")
	buildctl := flag.String("buildctl", "buildctl", "path")
	flag.Parse()

	text, err := os.ReadFile(*ca)
	if err != nil {
		log.Fatal(err)
	}
	clients := x509.NewCertPool()
	clients.AppendCertsFromPEM(text)

	mux := http.NewServeMux()
	mux.HandleFunc("/exec/{namespace}/{pod}/{container}", func(w http.ResponseWriter, req *http.Request) {
		known, err := containers(*file)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		pod, container := req.PathValue("pod"), req.PathValue("container")
		address, ok := known[req.PathValue("namespace")+"/"+pod+"/"+container]
		if !ok {
			// As kubelet says it (pkg/kubelet/kubelet_pods.go).
			http.Error(w, fmt.Sprintf("container not found (%q)", container), http.StatusNotFound)
			return
		}
		options, err := remotecommand.NewOptions(req)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		remotecommand.ServeExec(w, req, executor{address, *buildctl}, pod, "", container, req.URL.Query()["command"], options, 4*time.Hour, 30*time.Second, protocols)
	})
	server := &http.Server{
		Addr:    *listen,
		Handler: mux,
		TLSConfig: &tls.Config{
			ClientAuth: tls.RequireAndVerifyClientCert,
			ClientCAs:  clients,
			// SPDY and WebSocket take a connection over, which HTTP/2 has not.
			NextProtos: []string{"http/1.1"},
		},
	}
	log.Fatal(server.ListenAndServeTLS(*cert, *key))
}
