// Package queries holds all SQL of elizad: the schema as numbered migrations and the queries, each once per database.
// sqlc turns them into Go code under gen; only the migrations are needed at run time and are embedded here.
//
// To add a query, write it under the same name in sqlite/ and postgres/ and run go generate ./gen. To change the schema,
// add a numbered file to both folders under migrations; a file that was ever released is never changed.
package queries

import "embed"

// Migrations holds migrations/sqlite and migrations/postgres: one goose file per schema version, the same versions in both.
//
//go:embed migrations/sqlite/*.sql migrations/postgres/*.sql
var Migrations embed.FS
