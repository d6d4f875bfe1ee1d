// Package api is the contract of the HTTP interface: openapi.yaml, and what the generators need to turn it into Go.
package api

import _ "embed"

// OpenAPI is the contract as it was written, in YAML.
//
//go:embed openapi.yaml
var OpenAPI []byte
