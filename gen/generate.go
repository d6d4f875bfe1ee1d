// Package gen is the root of everything generated: nothing below it is edited by hand, all of it is committed, and a test
// regenerates it and compares. To change it, change api/ or queries/ and run
//
//	go generate ./...
//
// The generators are pinned in tools.mod, a module file of their own, so that their many requirements stay out of go.mod.
// The lines below run in this directory, from top to bottom.
package gen

// Database code: from queries/ to sqlite and postgres, then what they share to unscoped, and the same with bound scopes to db.
//go:generate go run ../cmd/internal/gensql clean unscoped db sqlite postgres
//go:generate go tool -modfile=tools.mod sqlc generate -f ../sqlc.yaml
//go:generate go run ../cmd/internal/gensql share -import github.com/elizad/elizad/gen/unscoped unscoped sqlite postgres
//go:generate go run ../cmd/internal/gensql scope -import github.com/elizad/elizad/gen/unscoped unscoped db

// Code of what crosses the wire: from api/openapi.yaml to api, apiserver and apiclient.
//go:generate go run ../cmd/internal/genorder ../api/openapi.yaml ../api/overlay.yaml api/overlay.gen.yaml
//go:generate go tool -modfile=tools.mod oapi-codegen -config ../api/models.cfg.yaml ../api/openapi.yaml
//go:generate go tool -modfile=tools.mod oapi-codegen -config ../api/server.cfg.yaml ../api/openapi.yaml
//go:generate go tool -modfile=tools.mod oapi-codegen -config ../api/client.cfg.yaml ../api/openapi.yaml
//go:generate go run ../cmd/internal/genaccess ../api/openapi.yaml api/access.gen.go
