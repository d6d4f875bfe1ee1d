// Package httpx is the HTTP edge: middleware that every request passes, and [WriteError], the one place where an error
// becomes a response.
//
// The order that the parts are written for, outermost first:
//
//	RequestID        gives the request its id, and the record that the others write to
//	ClientIP         finds the caller behind trusted proxies
//	Watch            logs one line per request, turns a panic into a 500
//	GuardOpen        keeps a server without a key to the callers for which it is meant
//	SecurityHeaders  headers for browsers
//	CORS             answers preflights, refuses changes asked for by foreign web pages
//	Compress         gzip, except for event streams
//	Refusals         counts who was refused, for the audit log
//
// and below /api, before authentication:
//
//	RateLimit        counts requests per caller
//	LimitBody        bounds the size of the body
//	RequireMediaType refuses bodies that no route reads
//
// and behind authentication:
//
//	PrincipalRateLimit counts requests per proven caller, from all its addresses
//	NotModified      saves the way of what the caller has already
//
// and inside the router, when the operation is known:
//
//	Access           refuses callers whose credentials lack the scope of the operation
//	Validator        refuses what does not fit the contract
//	Idempotent       lets a request have its effect once
//	Audited          writes to the audit log what was done
//
// Each wrapper of a ResponseWriter keeps Unwrap, so that http.ResponseController, by which event streams flush, works below all
// of them.
package httpx

import "net/http"

// Middleware wraps a handler.
type Middleware = func(http.Handler) http.Handler
