// Package compat lets requests in that are not written as the contract has them: older and second names of paths, any case of
// letters, a slash at the end, and other names of fields in JSON bodies. What passes looks as api/openapi.yaml has it, so that no
// handler knows of the other forms.
//
// To add a path that had another name, add a row to [table]. To add the name of a field, add a row to the list of its routes in
// bodies.go, behind those that are to win when a body has several. Neither belongs into the contract, which has one name for each
// thing; tests over the wire are in server/aliases_test.go.
package compat
