// sourcegraph/jsonrpc2. Arguments: the daemon's command, or `--join SOCKET`.
package main

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"os"
	"os/exec"

	"github.com/sourcegraph/jsonrpc2"
)

type object map[string]interface{}

type route struct {
	Provider string `json:"provider"`
	ModelID  string `json:"modelId"`
}

type daemon struct {
	io.Reader
	io.WriteCloser
}

func main() {
	stream, wait := open(os.Args[1], os.Args[2:])
	ctx := context.Background()
	codec := jsonrpc2.VSCodeObjectCodec{}
	client := jsonrpc2.NewConn(ctx, jsonrpc2.NewBufferedStream(stream, codec), jsonrpc2.HandlerWithError(refuse))
	var found route
	check(client.Call(ctx, "initialize", object{"processId": os.Getpid(), "capabilities": object{}}, nil))
	check(client.Notify(ctx, "initialized", object{}))
	check(client.Call(ctx, "resolveModel", object{"model": "ollama/llama3"}, &found))
	check(client.Call(ctx, "shutdown", nil, nil))
	check(client.Notify(ctx, "exit", nil))
	<-client.DisconnectNotify()
	check(json.NewEncoder(os.Stdout).Encode(object{
		"provider": found.Provider, "modelId": found.ModelID, "exitCode": wait(),
	}))
}

func open(command string, rest []string) (io.ReadWriteCloser, func() int) {
	if command == "--join" {
		connection, err := net.Dial("unix", rest[0])
		check(err)
		return connection, func() int { return 0 }
	}
	process := exec.Command(command, rest...)
	process.Stderr = os.Stderr
	in, err := process.StdinPipe()
	check(err)
	out, err := process.StdoutPipe()
	check(err)
	check(process.Start())
	return daemon{out, in}, func() int {
		process.Wait()
		return process.ProcessState.ExitCode()
	}
}

func refuse(context.Context, *jsonrpc2.Conn, *jsonrpc2.Request) (interface{}, error) {
	return nil, &jsonrpc2.Error{Code: jsonrpc2.CodeMethodNotFound, Message: "not served"}
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
