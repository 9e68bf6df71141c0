// A frontend of its own little language, for the tests: it is built on the gateway's client alone, not on BuildKit's
// dockerui, and so knows no `local-sessionid`, no ignore files and no `context:NAME` but what it does here.
//
//	from NAME       starts from a named context that is an image
//	copy FROM TO    copies a file of the context
//	label NAME=TEXT sets a label of the image
//
// Options: `filename`; `greeting` is written to /greeting; `session=no` asks for local sources without the session.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/frontend/gateway/grpcclient"
	"github.com/moby/buildkit/util/appcontext"
)

func main() {
	if err := grpcclient.RunFromEnvironment(appcontext.Context(), build); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func build(ctx context.Context, c client.Client) (*client.Result, error) {
	opts := c.BuildOpts().Opts
	local := func(name string) llb.State {
		if opts["session"] == "no" {
			// As a client does that is not written in Go.
			return llb.Local(name, llb.LocalUniqueID("one"))
		}
		return llb.Local(name, llb.SessionID(c.BuildOpts().SessionID))
	}
	recipe, err := read(ctx, c, local("dockerfile"), opts["filename"])
	if err != nil {
		return nil, err
	}
	state := llb.Scratch()
	labels := map[string]string{}
	for _, line := range strings.Split(string(recipe), "\n") {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch word {
		case "":
		case "from":
			image, isImage := strings.CutPrefix(opts["context:"+rest], "docker-image://")
			if !isImage {
				return nil, fmt.Errorf("no image is given as %q", rest)
			}
			state = llb.Image(image)
		case "copy":
			from, to, _ := strings.Cut(rest, " ")
			state = state.File(llb.Copy(local("context"), from, to))
		case "label":
			name, text, _ := strings.Cut(rest, "=")
			labels[name] = text
		default:
			return nil, fmt.Errorf("%s: unknown word %q", opts["filename"], word)
		}
	}
	if greeting, isGiven := opts["greeting"]; isGiven {
		state = state.File(llb.Mkfile("/greeting", 0o644, []byte(greeting)))
	}
	result, err := solve(ctx, c, state)
	if err != nil {
		return nil, err
	}
	platform := c.BuildOpts().Workers[0].Platforms[0]
	config, err := json.Marshal(map[string]any{
		"os":           platform.OS,
		"architecture": platform.Architecture,
		"rootfs":       map[string]any{"type": "layers", "diff_ids": []string{}},
		"config":       map[string]any{"Labels": labels},
	})
	if err != nil {
		return nil, err
	}
	result.AddMeta(exptypes.ExporterImageConfigKey, config)
	return result, nil
}

func solve(ctx context.Context, c client.Client, state llb.State) (*client.Result, error) {
	definition, err := state.Marshal(ctx)
	if err != nil {
		return nil, err
	}
	return c.Solve(ctx, client.SolveRequest{Definition: definition.ToPB()})
}

func read(ctx context.Context, c client.Client, source llb.State, name string) ([]byte, error) {
	result, err := solve(ctx, c, source)
	if err != nil {
		return nil, err
	}
	ref, err := result.SingleRef()
	if err != nil {
		return nil, err
	}
	return ref.ReadFile(ctx, client.ReadRequest{Filename: name})
}
