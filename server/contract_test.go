package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/elizad/elizad/gen/api"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/uuid"

	"github.com/elizad/elizad/server/settings"
)

var seed = flag.Uint64("seed", 20261120, "where the random requests of the contract's test begin")

const (
	attackTime     = 15 * time.Second // how long requests are sent, once each operation has had its share
	attackRounds   = 160              // requests to each operation, at most
	attackAtLeast  = 5                // and at least
	attackers      = 4
	attackPatience = 3 * time.Second // for an answer that may take as long as an agent
)

// TestContractHoldsUnderAttack sends valid and invalid requests to every operation of the contract, made from its schemas,
// with ids of what exists as often as of what doesn't. Each answer must be one that the contract documents, nothing may be an
// error of the server, and the server must be in its right mind at the end. To be asked to stop comes last.
func TestContractHoldsUnderAttack(t *testing.T) {
	t.Parallel()
	ear := &eavesdropper{TB: t}
	cfg := testConfig(t)
	cfg.Agents.Environment = settings.ReadAgentEnvironment(speech(t, says(mp3Bytes)))
	n := startWith(ear, cfg)
	ops := operations(t)
	slices.SortFunc(ops, func(x, y operation) int { return strings.Compare(x.name(), y.name()) })
	last := slices.IndexFunc(ops, func(o operation) bool { return o.OperationID == "stopServer" })
	stop := ops[last]
	ops = slices.Delete(ops, last, last+1)

	a := &attack{node: n, check: n.client.Transport.(checked).check, ids: newIDPool(), owner: n.ownerToken(), until: time.Now().Add(attackTime), answers: map[string]map[int]int{}}
	a.begin(cfg.Storage.Dir)
	var all sync.WaitGroup
	for i := range uint64(attackers) {
		all.Go(func() { a.run(t.Context(), a.generator(i), slices.Clone(ops)) })
	}
	all.Wait()

	n = n.owner() // for keys were made, and now everybody needs one
	n.read(n.api().GetLiveness(t.Context())).want(200)
	after, user := n.newAgent("After", "Calm."), uuid.New()
	n.startAgent(after)
	if got := into[api.MessagePostedEnvelope](n.ask(n.dmBetween(after, user), user, "Hello").want(201)); got.AgentResponse.Text == "" {
		t.Errorf("the answer at the end: %+v", got)
	}
	for g := a.generator(attackers); len(a.answers[stop.name()]) == 0 || a.answers[stop.name()][http.StatusOK] < attackAtLeast; {
		a.send(t.Context(), stop, g.request(stop))
	}
	a.judge(t, ear)
}

// eavesdropper is a test whose log is also listened to.
type eavesdropper struct {
	testing.TB
	mu    sync.Mutex
	lines []string
}

func (e *eavesdropper) Log(args ...any) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.lines = append(e.lines, fmt.Sprint(args...))
}

// trouble returns what the log says of faults. Of requests it leaves out those whose answers are judged by themselves.
func (e *eavesdropper) trouble() (out []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, line := range e.lines {
		isRequest := strings.Contains(line, "msg=request ")
		if strings.Contains(line, "panic") || strings.Contains(line, " status=500 ") || !isRequest && strings.Contains(line, "level=ERROR") {
			out = append(out, line)
		}
	}
	return out[:min(len(out), 10)]
}

// attack is the requests of several attackers.
type attack struct {
	node  *node
	check func(*http.Request, *http.Response) error
	ids   *idPool
	owner string // his token
	until time.Time

	mu      sync.Mutex
	answers map[string]map[int]int // how often an operation had a status
	found   []string
}

func (a *attack) generator(stream uint64) *generator {
	return &generator{Rand: rand.New(rand.NewPCG(*seed, stream)), ids: a.ids}
}

// begin makes what takes luck to be made by chance: an answered message, and a file of an agent's own.
func (a *attack) begin(dir string) {
	a.node.t.Helper()
	agent := a.node.agent().ID
	channel, user := a.node.dm()
	a.ids.add("channelId", channel.String())
	a.ids.add("entityId", user.String())
	a.node.ask(channel, user, "Hello").want(http.StatusCreated)
	for _, of := range []string{"/runs", "/memories"} {
		a.ids.harvest(of, map[string]string{"agentId": agent.String()}, into[any](a.node.do("GET", "/api/agents/"+agent.String()+of, nil).want(http.StatusOK)))
	}
	made := filepath.Join(dir, "generated", agent.String())
	if err := errors.Join(os.MkdirAll(made, 0o700), os.WriteFile(filepath.Join(made, "a.png"), []byte(pngBytes), 0o600)); err != nil {
		a.node.t.Fatal(err)
	}
	a.ids.keep(map[string]string{"agentId": agent.String(), "filename": "a.png"})
}

// ofUsers reports whether an operation is about users, of whom the server has none.
func ofUsers(name string) bool { return strings.Contains(name, " /api/auth/") }

// judge reports what was found, on the wire and in the log. An attack that never gets in proves little: when there was time for
// most of it, most operations must have succeeded once.
func (a *attack) judge(t *testing.T, ear *eavesdropper) {
	t.Helper()
	total, sent := map[int]int{}, 0
	var closed []string
	for name, answers := range a.answers {
		success := false
		for status, times := range answers {
			total[status] += times
			sent += times
			success = success || status < http.StatusMultipleChoices
		}
		if !success && !ofUsers(name) {
			closed = append(closed, fmt.Sprint(name, " ", answers))
		}
	}
	slices.Sort(closed)
	t.Logf("%d requests, answered %v; never with a success: %q", sent, total, closed)
	if ops := len(a.answers); sent > 50*ops && len(closed) > ops/5 {
		t.Errorf("%d of %d operations never succeeded", len(closed), ops)
	}
	for _, f := range a.found {
		t.Errorf("seed %d: %s", *seed, f)
	}
	for _, line := range ear.trouble() {
		t.Errorf("seed %d: in the log: %s", *seed, line)
	}
}

func (a *attack) run(ctx context.Context, g *generator, ops []operation) {
	for round := range attackRounds / attackers {
		g.Shuffle(len(ops), func(i, j int) { ops[i], ops[j] = ops[j], ops[i] })
		for _, o := range ops {
			if time.Now().After(a.until) && round*attackers >= attackAtLeast {
				return
			}
			a.send(ctx, o, g.request(o))
		}
	}
}

func (a *attack) report(r request, format string, args ...any) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.found) < 20 {
		a.found = append(a.found, fmt.Sprintf(format, args...)+"\n"+r.String())
	}
}

// send sends a request and judges the answer.
func (a *attack) send(ctx context.Context, o operation, r request) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	if o.mayWait() {
		cancel()
		ctx, cancel = context.WithTimeout(ctx, attackPatience)
	}
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, r.method, a.node.http.URL+r.target, strings.NewReader(r.body))
	if err != nil {
		panic(err) // what is generated is escaped
	}
	req.Header = r.header.Clone()
	if a.owner != "" {
		req.Header.Set("X-API-KEY", a.owner)
	}
	switch {
	case r.body == "" && r.header.Get("Content-Type") == "":
		req.Body = http.NoBody
	case r.chunked:
		req.ContentLength = -1
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err == nil {
		defer func() { _ = resp.Body.Close() }()
		named := req.Clone(ctx) // by the path in the contract: what was sent may be no path that could be looked up
		named.URL.Path, named.URL.RawPath = o.filled("", ""), ""
		err = a.check(named, resp)
	}
	var body []byte
	if err == nil {
		body, err = io.ReadAll(resp.Body)
	}
	switch {
	case err != nil && ctx.Err() != nil && o.mayWait():
		return
	case err != nil:
		a.report(r, "%s: %v", o.name(), err)
		return
	}
	a.mu.Lock()
	if a.answers[o.name()] == nil {
		a.answers[o.name()] = map[int]int{}
	}
	a.answers[o.name()][resp.StatusCode]++
	a.mu.Unlock()
	if o.Responses.Status(resp.StatusCode) == nil && !slices.Contains(ofAnybody(), resp.StatusCode) {
		a.report(r, "%s: status %d is not documented: %.500s", o.name(), resp.StatusCode, body)
	}
	for _, leak := range []string{"goroutine ", ".go:", "SQLITE", "sql:", "runtime error", "SQLSTATE"} {
		if resp.StatusCode >= 400 && bytes.Contains(body, []byte(leak)) {
			a.report(r, "%s: the answer shows %q: %.500s", o.name(), leak, body)
		}
	}
	var answer any
	if resp.StatusCode/100 == 2 && json.Unmarshal(body, &answer) == nil {
		a.ids.harvest(o.path, r.ids, answer)
	}
	if !r.spoiled && resp.StatusCode == http.StatusBadRequest && misfit().Match(body) {
		a.report(r, "%s: a request that fits the contract is refused: %s", o.name(), body)
	}
}

// ofAnybody returns the statuses that the contract documents once, in the answer by default, and that a single server without a
// key gives.
func ofAnybody() []int {
	return []int{http.StatusForbidden, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType}
}

// misfit matches what the server says of requests that don't fit the contract. Other refusals are rules of the domain.
func misfit() *regexp.Regexp {
	return regexp.MustCompile(`"code":"INVALID_REQUEST","message":"[^"\\]*(\\.[^"\\]*)*","details":"/|parameter ..?\w+..? is (invalid|missing)|not well-formed JSON|request has no body`)
}

// mayWait reports whether an operation answers only when something else has happened.
func (o operation) mayWait() bool {
	for _, p := range o.Parameters {
		if p.Value.Name == "Prefer" {
			return true
		}
	}
	return o.Responses.Status(http.StatusGatewayTimeout) != nil
}

// request is one generated request.
type request struct {
	method, target string
	header         http.Header
	body           string
	ids            map[string]string // in the path
	chunked        bool              // its length isn't announced
	spoiled        bool              // it may not fit the contract
}

// String returns the request as something that can be sent again.
func (r request) String() string {
	var out strings.Builder
	fmt.Fprintf(&out, "curl -X %s 'http://…%s'", r.method, r.target)
	for _, name := range slices.Sorted(maps.Keys(r.header)) {
		for _, value := range r.header[name] {
			fmt.Fprintf(&out, " -H '%s: %s'", name, value)
		}
	}
	if r.body != "" {
		fmt.Fprintf(&out, " --data-raw %.3000q", r.body)
	}
	return out.String()
}

// request makes a request to an operation: half of them fit the contract.
func (g *generator) request(o operation) request {
	r := request{method: o.method, header: http.Header{}, ids: map[string]string{}, spoiled: g.one(2), chunked: g.one(8)}
	g.slips, g.near = r.spoiled, nil
	if len(o.params) > 0 && g.one(2) {
		g.near = g.ids.thing(o.params[len(o.params)-1], g.Rand)
	}
	path, query := o.path, url.Values{}
	for _, p := range o.parameters {
		spoil := r.spoiled && g.one(3)
		switch {
		case p.In == openapi3.ParameterInPath:
			value := g.parameter(p, spoil)
			r.ids[canonicalName(p.Name)] = value
			path = strings.ReplaceAll(path, "{"+p.Name+"}", url.PathEscape(value))
		case p.In == openapi3.ParameterInQuery && (p.Required && !spoil || g.one(3)):
			if text := g.parameter(p, spoil); text != "" || spoil || p.Schema.Value.Type.Is("string") {
				query.Add(p.Name, text)
			}
			if spoil && g.one(5) {
				query.Add(p.Name, g.parameter(p, spoil))
			}
		case p.In == openapi3.ParameterInHeader && g.one(3):
			r.header.Set(p.Name, headerSafe(g.parameter(p, spoil)))
		}
	}
	if r.spoiled && g.one(6) {
		query.Add(g.key(), "x")
	}
	r.target = path
	if g.one(4) {
		r.target = twin().ReplaceAllString(path, "/api/memory/$1/$2")
	}
	if len(query) > 0 {
		r.target += "?" + query.Encode()
	}
	g.addHeaders(&r)
	if o.RequestBody != nil {
		g.fillBody(&r, o.RequestBody.Value)
	} else if r.spoiled && g.one(5) {
		r.body = string(jsonOf(g.anything(2)))
		r.header.Set("Content-Type", "application/json")
	}
	return r
}

// twin matches the paths that a second name leads to.
func twin() *regexp.Regexp { return regexp.MustCompile(`^/api/agents/([^/]*)/(memories|rooms)\b`) }

// addHeaders gives a request some of the headers that any client, proxy or browser may send, and odd values of them.
func (g *generator) addHeaders(r *request) {
	if g.one(3) {
		r.header.Set("X-Entity-Id", g.ids.of("entityId", g.Rand))
	}
	if g.one(4) {
		r.header.Set("Accept", pick(g, "application/json", "*/*", "application/problem+json", "text/event-stream", "text/html", "image/*;q=0.1", ";;"))
	}
	for g.one(3) {
		name := pick(g, slices.Sorted(maps.Keys(oddHeaders()))...)
		r.header.Set(name, pick(g, oddHeaders()[name]...))
	}
}

func oddHeaders() map[string][]string {
	return map[string][]string{
		"Accept-Encoding":           {"identity", "identity;q=0", "x, y;q=2", ";"},
		"Accept-Language":           {"de", "*", strings.Repeat("x,", 500)},
		"Authorization":             {"Bearer ", "Bearer x.y.z", "Basic OjpA", "?"},
		"Cookie":                    {"a=b", ";=;", strings.Repeat("a=b; ", 300)},
		"Expect":                    {"100-continue"},
		"If-Modified-Since":         {"Fri, 20 Nov 2026 15:33:10 GMT", "yesterday"},
		"If-None-Match":             {"*", `"x"`, `W/"x", "y"`, `"`, ",,,"},
		"If-Range":                  {`"x"`, "?"},
		"Last-Event-Id":             {"", "0", "x:y:z", "00000000-0000-0000-0000-000000000000:0:0", "00000000-0000-0000-0000-000000000000:99999999999999999999:-1"},
		"Origin":                    {"null", "http://127.0.0.1", "http://elsewhere.example", "://", ""},
		"Range":                     {"bytes=0-1", "bytes=5-1", "bytes=-1", "bytes=99-", "bytes=0-0,2-3", "lines=1", "bytes="},
		"X-Api-Key":                 {"", "x"},
		"X-Entity-Id":               {"", "not-an-id", strings.Repeat("0", 5000)},
		"X-Forwarded-For":           {"1.2.3.4", "::1, x", ",", strings.Repeat("1.2.3.4,", 500)},
		"X-Http-Method-Override":    {"DELETE", "NONE"},
		"X-Internal-Service-Secret": {"", "x"},
		"X-Request-Id":              {"abc", "<script>", strings.Repeat("x", 5000)},
	}
}

// parameter returns the text of a parameter.
func (g *generator) parameter(p *openapi3.Parameter, spoil bool) string {
	if spoil {
		return pick(g, "not-an-id", "-1", "0", "1e999", "99999999999999999999", "true", "null", "ü", "\x00", "..", "a b", "%00", "{}", "[]", "'", "1;2", "1,2",
			strings.Repeat("9", 2000), "2026-13-45T99:99:99Z", "00000000-0000-0000-0000-00000000000g")
	}
	switch v := g.value(p.Schema.Value, p.Name, 1).(type) {
	case string:
		if v == "" && p.In != openapi3.ParameterInQuery {
			return "x"
		}
		return v
	case []any:
		out := make([]string, len(v))
		for i := range v {
			out[i] = fmt.Sprint(v[i])
		}
		return strings.Join(out, ",")
	default:
		return fmt.Sprint(v)
	}
}

// headerSafe returns a text without what no client can send in a header.
func headerSafe(s string) string {
	return regexp.MustCompile(`[^\x20-\x7e]`).ReplaceAllString(s, "?")
}

// fillBody gives a request a body of one of the types that the operation takes.
func (g *generator) fillBody(r *request, body *openapi3.RequestBody) {
	if !body.Required && g.one(4) || r.spoiled && g.one(12) {
		return
	}
	kind := pick(g, slices.Sorted(maps.Keys(body.Content))...)
	schema := body.Content[kind].Schema.Value
	value := g.value(schema, "", 4)
	r.header.Set("Content-Type", kind)
	switch {
	case kind == "multipart/form-data":
		r.body = g.form(r, schema, value)
	case strings.HasSuffix(kind, "json") && r.spoiled && g.one(2):
		r.body = g.spoil(value)
	case strings.HasSuffix(kind, "json"):
		r.body = string(jsonOf(value))
	default:
		r.body = fmt.Sprint(value)
	}
	if r.spoiled && g.one(6) {
		r.header.Set("Content-Type", pick(g, "text/plain", "application/xml", "", "application/json; charset=utf-16", "multipart/form-data", "multipart/form-data; boundary=x",
			"application/x-www-form-urlencoded", "application/octet-stream", "application/", ";"))
	}
	if r.spoiled && g.one(20) {
		r.header.Set("Content-Encoding", "gzip")
	}
}

// form returns a form with a part for each member of a value; those that the schema calls binary are files.
func (g *generator) form(r *request, schema *openapi3.Schema, value any) string {
	var out bytes.Buffer
	w := multipart.NewWriter(&out)
	members, _ := value.(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(members)) {
		text := fmt.Sprint(members[name])
		header := textproto.MIMEHeader{"Content-Disposition": {fmt.Sprintf("form-data; name=%q", name)}}
		if p := schema.Properties[name]; p != nil && p.Value.Format == "binary" {
			header.Set("Content-Disposition", fmt.Sprintf("form-data; name=%q; filename=%q", name, pick(g, "a.png", "a.wav", "a.txt", "../../a", "ü.gif", "")))
			header.Set("Content-Type", pick(g, "image/png", "audio/wav", "text/plain", "text/html", "image/svg+xml", "x"))
		}
		part, err := w.CreatePart(header)
		if err == nil {
			_, err = io.WriteString(part, text)
		}
		if err != nil {
			panic(err) // a buffer takes everything
		}
	}
	_ = w.Close()
	r.header.Set("Content-Type", w.FormDataContentType())
	if r.spoiled && g.one(3) {
		return out.String()[:out.Len()/2]
	}
	return out.String()
}
