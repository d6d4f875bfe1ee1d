package httpx

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/legacy"
	"github.com/go-chi/chi/v5"
	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/api"
	"github.com/elizad/elizad/server/internal/auth"
)

// operation is one operation of the contract, prepared for validation.
type operation struct {
	id      string // as the contract has it
	route   *routers.Route
	options *openapi3filter.Options
	accepts []string // media types of the body; nil: there is none
	empty   bool     // it has neither parameters nor a body, and so nothing to validate

	once            bool // it takes an Idempotency-Key
	findsRepetition bool // it knows by the key what it did before

	scopes  auth.Scopes // what a caller needs
	ruled   bool        // the contract says so
	success int         // the status of its success
	audit   string      // the action as which it stands in the audit log; "": it does not
}

// Contract is a contract prepared to treat requests as their operations want it.
type Contract map[operationName]*operation

// of returns the operation that chi found for a request; nil for a route that the contract doesn't have. HEAD asks for what GET
// does.
func (c Contract) of(r *http.Request) *operation {
	route := chi.RouteContext(r.Context())
	if route == nil {
		return nil
	}
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	return c[operationName{method, route.RoutePattern()}]
}

// optionsFor returns how to validate a request with a body of some type. Uploads must not be collected in memory.
func (op *operation) optionsFor(kind string) *openapi3filter.Options {
	if !isUpload(kind) {
		return op.options
	}
	streamed := *op.options
	streamed.ExcludeRequestBody = true
	return &streamed
}

// reads reports whether the operation reads bodies of a type.
func (op *operation) reads(kind string) bool {
	return slices.Contains(op.accepts, kind)
}

// operationName is the name of an operation: its method and the template of its path.
type operationName struct{ method, path string }

// NewContract prepares every operation of a contract.
func NewContract(doc *openapi3.T) Contract {
	// Neither servers nor security belong to validation: the first would compare the Host header, and the second reads whole
	// uploads into memory although authentication happened long before.
	contract := *doc
	contract.Servers, contract.Security = nil, nil
	out := Contract{}
	for path, item := range contract.Paths.Map() {
		for method, op := range item.Operations() {
			once, findsRepetition := repetition(op)
			scopes, ruled := accessTo(op)
			checked := *op
			checked.Servers, checked.Security = nil, openapi3.NewSecurityRequirements()
			out[operationName{method, path}] = &operation{
				id:      idOf(op),
				accepts: bodyTypes(op),
				once:    once, findsRepetition: findsRepetition,
				scopes: scopes, ruled: ruled, audit: api.Audited(op.OperationID), success: successOf(op),
				empty: len(op.Parameters) == 0 && len(item.Parameters) == 0 && op.RequestBody == nil,
				route: &routers.Route{Spec: &contract, Path: path, PathItem: item, Method: method, Operation: &checked},
				options: &openapi3filter.Options{
					AuthenticationFunc:    openapi3filter.NoopAuthenticationFunc,
					IncludeResponseStatus: true,
					// Handlers decode what was validated, not the text again: encoding/json would match names without
					// case, and read another value than the one that was checked.
					KeepValidatedValue: true,
					// The domain knows its defaults; a request reaches it as it was sent.
					SkipSettingDefaults:     true,
					SchemaValidationOptions: []openapi3.SchemaValidationOption{openapi3.WithStringFormatValidator("uuid", uuidFormat())},
				},
			}
		}
	}
	return out
}

// Anonymous returns which requests are for operations that everybody may call, without a look at credentials: security names none,
// and no other way.
func Anonymous(doc *openapi3.T) func(*http.Request) bool {
	known := map[operationName]bool{}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			if op.Security != nil && len(*op.Security) == 1 && len((*op.Security)[0]) == 0 {
				known[operationName{method, path}] = true
			}
		}
	}
	return func(r *http.Request) bool { return known[operationName{r.Method, r.URL.Path}] }
}

// idOf returns the id of an operation as the contract has it. The code that is generated from it begins it with a capital.
func idOf(op *openapi3.Operation) string {
	id := op.OperationID
	return strings.ToLower(id[:min(1, len(id))]) + id[min(1, len(id)):]
}

// successOf returns the first status of an operation that says that it was carried out.
func successOf(op *openapi3.Operation) int {
	for status := http.StatusOK; status < http.StatusMultipleChoices; status++ {
		if op.Responses.Status(status) != nil {
			return status
		}
	}
	return 0
}

// repetition reports what the contract says of an operation that is asked twice under one Idempotency-Key. Under x-idempotent
// it has "answer", where what is kept of the first answer is all that is known of it, or "effect", where the operation knows by
// the key what it did.
func repetition(op *openapi3.Operation) (once, finds bool) {
	switch op.Extensions["x-idempotent"] {
	case "answer":
		return true, false
	case "effect":
		return true, true
	default:
		return false, false
	}
}

// uuidFormat accepts a UUID of any version in the common form.
func uuidFormat() openapi3.StringFormatValidator {
	return openapi3.NewCallbackValidator(func(text string) error {
		const length = 36 // of the common form; the library knows others
		if len(text) != length || uuid.Validate(text) != nil {
			return errors.New("must be a UUID")
		}
		return nil
	})
}

// bodyTypes returns the media types of an operation's body, sorted.
func bodyTypes(op *openapi3.Operation) []string {
	if op.RequestBody == nil || op.RequestBody.Value == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(op.RequestBody.Value.Content))
}

// ResponseValidator returns a function for tests that compares a response with the contract: operation, status, type, headers
// and body. The body is still there to be read afterwards. Bodies that are streams or files are checked by their type only.
func ResponseValidator(doc *openapi3.T) (func(*http.Request, *http.Response) error, error) {
	contract := *doc
	contract.Servers = nil
	router, err := legacy.NewRouter(&contract, openapi3.DisableExamplesValidation())
	if err != nil {
		return nil, fmt.Errorf("reading the contract: %w", err)
	}
	byName, general := NewContract(doc), generalHeaders()
	return func(r *http.Request, resp *http.Response) error {
		called := r.Method + " " + r.URL.Path
		route, params, err := router.FindRoute(r)
		if err != nil {
			return fmt.Errorf("%s is not in the contract: %w", called, err)
		}
		op := byName[operationName{route.Method, route.Path}]
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			return fmt.Errorf("%s: reading the response: %w", called, err)
		}
		_ = resp.Body.Close()
		resp.Body = io.NopCloser(bytes.NewReader(body))

		if header := undeclared(op.route.Operation, resp, general); header != "" {
			return fmt.Errorf("%s: status %d has a header %s, which is not in the contract", called, resp.StatusCode, header)
		}
		options := *op.options
		kind, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";")
		if len(body) > 0 && !isJSON(kind) {
			options.ExcludeResponseBody = true
			if !declares(op.route.Operation, resp.StatusCode, kind) {
				return fmt.Errorf("%s: status %d with a body of type %q is not in the contract", called, resp.StatusCode, kind)
			}
		}
		err = openapi3filter.ValidateResponse(r.Context(), &openapi3filter.ResponseValidationInput{
			RequestValidationInput: &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: op.route},
			Status:                 resp.StatusCode,
			Header:                 resp.Header,
			Body:                   io.NopCloser(bytes.NewReader(body)),
			Options:                &options,
		})
		if err != nil {
			return fmt.Errorf("%s: status %d doesn't fit the contract: %w\nbody: %.2000s", called, resp.StatusCode, err, body)
		}
		return nil
	}, nil
}

// generalHeaders matches what HTTP, browsers and proxies give a meaning on every response, so that it needs no declaration.
func generalHeaders() *regexp.Regexp {
	return regexp.MustCompile(`^(Access-Control-.*|Allow|Cache-Control|Connection|Content-(Encoding|Length|Security-Policy|Type)|` +
		`Cross-Origin-.*|Date|Last-Modified|Origin-Agent-Cluster|Referrer-Policy|Strict-Transport-Security|Transfer-Encoding|Vary|Www-Authenticate|` +
		`X-(Accel-Buffering|Content-Type-Options|Dns-Prefetch-Control|Frame-Options|Permitted-Cross-Domain-Policies|Xss-Protection))$`)
}

// undeclared returns a header of a response that is not a general one and that the contract doesn't declare for it, or "".
func undeclared(op *openapi3.Operation, resp *http.Response, general *regexp.Regexp) string {
	ref := op.Responses.Status(resp.StatusCode)
	if ref == nil {
		ref = op.Responses.Default()
	}
	declared := map[string]bool{}
	if ref != nil && ref.Value != nil {
		for name := range ref.Value.Headers {
			declared[http.CanonicalHeaderKey(name)] = true
		}
	}
	for name := range resp.Header {
		if !declared[name] && !general.MatchString(name) {
			return name
		}
	}
	return ""
}

// declares reports whether an operation may answer with a status and a body of a type.
func declares(op *openapi3.Operation, status int, kind string) bool {
	ref := op.Responses.Status(status)
	if ref == nil {
		ref = op.Responses.Default()
	}
	if ref == nil || ref.Value == nil {
		return false
	}
	kinds := make([]string, 0, len(ref.Value.Content))
	for declared := range ref.Value.Content {
		kinds = append(kinds, declared)
	}
	return ref.Value.Content.Get(kind) != nil || slices.Contains(kinds, "*/*")
}
