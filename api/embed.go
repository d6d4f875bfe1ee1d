// Package api is the contract of the server's interfaces: openapi.yaml for HTTP, with the payloads of sockets too, asyncapi.yaml
// for what sockets get and send, and what the generators need to turn them into Go.
package api

import _ "embed"

// OpenAPI is the contract of the HTTP interface and of all payloads as it was written, in YAML.
//
//go:embed openapi.yaml
var OpenAPI []byte

// AsyncAPI is the contract of the socket events as it was written, in YAML. It refers to OpenAPI's schemas by ./openapi.yaml.
//
//go:embed asyncapi.yaml
var AsyncAPI []byte
