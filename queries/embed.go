// Package queries holds all SQL of elizad: the schema as numbered migrations, and the queries. sqlc turns them into Go code
// under gen; only the migrations are needed at run time and are embedded here.
//
// A query that both databases understand is in common/, with its arguments as sqlc.arg(name) and casts as CAST(x AS type).
// Where they differ, it is under the same name in sqlite/ and postgres/. Run go generate ./gen after a change. To change the schema,
// add a numbered file to both folders under migrations; a file that was ever released is never changed.
package queries

import "embed"

// Migrations holds migrations/sqlite and migrations/postgres: one goose file per schema version, the same versions in both.
//
//go:embed migrations/sqlite/*.sql migrations/postgres/*.sql
var Migrations embed.FS
