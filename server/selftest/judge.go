package selftest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/elizad/elizad/gen/api"
)

// LetIn is what a case wants of a caller who may.
const LetIn = "is let in"

// The other ends that a case may want.
const (
	wantNothing = "sees nothing of it"
	wantHidden  = "does not find it"
	wantScope   = "lacks the scope"
	wantKey     = "needs a credential"
)

// wanted returns how an attempt of a caller must end, by the contract.
func wanted(c caller, op api.Operation, rule api.Rule, named []kind) string {
	isPrivate := slices.ContainsFunc(named, kind.isPrivate)
	switch {
	case !c.may(op, rule) && !c.isKnown():
		return wantKey
	case !c.may(op, rule):
		return wantScope
	case c.elsewhere && strings.Contains(op.Path, "{"):
		return wantHidden
	case c.elsewhere:
		return wantNothing // what is made there is its own, under whatever ids
	}
	switch rule.Owner {
	case api.OwnerParticipant, api.OwnerAuthor, api.OwnerSession, api.OwnerJob:
		switch {
		case c.owner || c.everyone:
			return LetIn
		case isPrivate:
			return wantHidden
		}
		return wantNothing
	case api.OwnerAgent: // of its files others have signed addresses
		if rule.Scope == api.ScopeNone && !c.everyone && !slices.Contains(c.scopes, api.ScopeManage) {
			return wantHidden
		}
	}
	return LetIn
}

// operation tries an operation of the contract as everybody: first those who must be refused, then those who may.
func (r *run) operation(ctx context.Context, op api.Operation) error {
	if r.Progress != nil {
		r.Progress(len(r.cases), op.Method+" "+op.Path)
	}
	rule, ruled := api.Access(op.ID)
	tries := attemptsAt(op)
	switch why := untried()[op.ID]; {
	case !ruled:
		r.cases = append(r.cases, Case{Operation: op.ID, Way: REST, Want: "has a rule", Found: "the contract does not say who may"})
		return nil
	case why != "":
		r.skip(op, why)
		return nil
	case tries == nil:
		r.skip(op, "nothing says how")
	}
	for _, try := range tries {
		if try.refused != "" {
			r.skip(op, "as those who may: "+try.refused)
			r.dangerous = append(r.dangerous, func() error { return r.attempt(ctx, op, rule, try) })
			continue
		}
		if err := r.attempt(ctx, op, rule, try); err != nil {
			return err
		}
	}
	return nil
}

// danger tries what would do harm, if nobody was let in before who may not be.
func (r *run) danger() error {
	if slices.ContainsFunc(r.cases, func(c Case) bool { return !c.Held }) {
		return nil
	}
	for _, try := range r.dangerous {
		if err := try(); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) skip(op api.Operation, why string) {
	r.notTried = append(r.notTried, Untried{op.ID, why})
}

// attempt tries an operation in one way.
func (r *run) attempt(ctx context.Context, op api.Operation, rule api.Rule, try attempt) error {
	named := try.names(op)
	before, err := r.look(ctx, named)
	if err != nil {
		return r.unmade(ctx, op, err)
	}
	var may []caller
	for _, c := range r.callers {
		if c.elsewhere || try.refused != "" && slices.ContainsFunc(r.cases, func(c Case) bool { return c.Operation == op.ID && !c.Held }) {
			continue
		}
		want := wanted(c, op, rule, named)
		if want == LetIn {
			may = append(may, c)
			continue
		}
		out, err := r.send(ctx, c, op, try, want)
		if err != nil {
			return r.unmade(ctx, op, err)
		}
		if op.Method != http.MethodGet {
			after, err := r.look(ctx, named)
			if err != nil {
				return err
			}
			if after != before {
				out.Held, out.Found = false, "it changed what is another's"
				if before, err = r.restore(ctx, named, try); err != nil {
					return r.unmade(ctx, op, err)
				}
			}
		}
		r.cases = append(r.cases, out)
	}
	if try.refused != "" {
		return nil
	}
	for _, c := range may {
		out, err := r.send(ctx, c, op, try, LetIn)
		if err != nil {
			return r.unmade(ctx, op, err)
		}
		r.cases = append(r.cases, out)
		if out.Status/100 == 2 {
			for _, k := range try.spends {
				r.things.spend(k)
			}
		}
	}
	return nil
}

// unmade notes that an operation was not tried because what it is about could not be made, unless the run has ended.
func (r *run) unmade(ctx context.Context, op api.Operation, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		r.skip(op, err.Error())
	}
	return nil
}

// elsewhere tries everything that names a thing, and all that only reads, on the server under another name. It makes all things first and
// looks at them at last, so that the two servers need not run at the same time.
func (r *run) elsewhere(ctx context.Context) error {
	if r.Other == nil {
		return nil
	}
	c := r.caller(Elsewhere)
	type trial struct {
		op   api.Operation
		rule api.Rule
		try  attempt
		want string
	}
	var trials []trial
	var all []kind
	for _, op := range api.Operations() {
		rule, _ := api.Access(op.ID)
		for _, try := range attemptsAt(op) {
			named := try.names(op)
			if try.refused != "" || untried()[op.ID] != "" || rule.Owner == api.OwnerNobody || len(named) == 0 && op.Method != http.MethodGet {
				continue // there it would do to itself what it may
			}
			trials = append(trials, trial{op, rule, try, wanted(c, op, rule, named)})
			for _, k := range named {
				if !slices.Contains(all, k) {
					all = append(all, k)
				}
			}
		}
	}
	// Its own audit log names afterwards what it tried to change.
	slices.SortStableFunc(trials, func(x, y trial) int {
		return cmp.Compare(len(strings.TrimPrefix(x.op.Method, http.MethodGet)), len(strings.TrimPrefix(y.op.Method, http.MethodGet)))
	})
	before, err := r.look(ctx, all)
	if err != nil {
		return err
	}
	if r.Progress != nil {
		r.Progress(len(r.cases), "all operations on "+r.Other.URL)
	}
	for _, t := range trials {
		out, err := r.send(ctx, c, t.op, t.try, t.want)
		if err != nil {
			return err
		}
		r.cases = append(r.cases, out)
	}
	if r.Other.Alternating {
		for _, d := range dialects() {
			l := &line{dialect: d, caller: c}
			err := r.try(ctx, l, r.things.ids[channel])
			l.close()
			if err != nil {
				return err
			}
		}
	}
	after, err := r.look(ctx, all)
	if err != nil {
		return err
	}
	out := Case{Operation: "all of these", Way: REST, Caller: c.name, Want: "changes nothing", Held: after == before}
	if !out.Held {
		out.Found = "something was changed: " + firstDifference(before, after)
	}
	r.cases = append(r.cases, out)
	return nil
}

// firstDifference returns the first lines in which two states differ.
func firstDifference(before, after string) string {
	old, now := strings.Split(before, "\n"), strings.Split(after, "\n")
	for i := range min(len(old), len(now)) {
		if old[i] != now[i] {
			return fmt.Sprintf("%.300s, before %.300s", now[i], old[i])
		}
	}
	return ""
}

// look returns what the things are that are named, and makes those that aren't there.
func (r *run) look(ctx context.Context, named []kind) (string, error) {
	for _, k := range named {
		if _, err := r.things.get(ctx, k); err != nil {
			return "", err
		}
	}
	return r.things.state(ctx, named)
}

// restore makes anew what somebody changed who may not.
func (r *run) restore(ctx context.Context, named []kind, try attempt) (string, error) {
	for _, k := range slices.Concat(named, try.spends) {
		if k != owner && k != friend {
			r.things.spend(k)
		}
	}
	return r.look(ctx, named)
}

// send has a caller try, and judges the answer.
func (r *run) send(ctx context.Context, c caller, op api.Operation, try attempt, want string) (Case, error) {
	q := request{method: op.Method, header: try.header}
	if try.method != "" {
		q.method = try.method
	}
	var err error
	if q.target, err = r.things.fill(ctx, try.template(op), c.entity); err != nil {
		return Case{}, err
	}
	switch {
	case try.file:
		q.body, q.kind = form("a.txt", "text/plain", r.things.word)
	case try.body != "":
		q.kind = "application/json"
		if q.body, err = r.things.fill(ctx, try.body, c.entity); err != nil {
			return Case{}, err
		}
	}
	out := Case{Operation: op.ID, Way: try.way, Caller: c.name, Want: want, Request: q.String()}
	if out.Way == "" {
		out.Way = REST
	}
	a, err := r.client.send(ctx, c, q)
	if err != nil {
		if ctx.Err() != nil {
			return Case{}, err
		}
		out.Found = err.Error()
		return out, nil
	}
	out.Status = a.status
	err = r.judge(c, op, try, want, q, a)
	if out.Held = err == nil; !out.Held {
		out.Found = err.Error()
	}
	return out, nil
}

// judge returns why an answer is not what is wanted.
func (r *run) judge(c caller, op api.Operation, try attempt, want string, q request, a answer) error {
	rule, _ := api.Access(op.ID)
	succeeded := a.status/100 == 2
	told := fmt.Sprintf("the answer is %d: %s", a.status, a.message())
	refusal := slices.Contains([]int{http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound}, a.status)
	isPublic := rule.Owner == api.OwnerTenant || rule.Owner == api.OwnerNobody
	if want != LetIn || isPublic && !c.owner && !c.everyone {
		if word := r.things.shown(q, a); word != "" {
			return errors.New("the answer shows what is another's: " + word)
		}
	}
	if c.elsewhere && strings.Contains(a.body, r.tag) && !strings.Contains(q.target+q.body, r.tag) {
		return errors.New("the answer shows a thing of another server")
	}
	if a.status >= 500 {
		if lacks := a.status == http.StatusServiceUnavailable || a.status == http.StatusNotImplemented; lacks && try.loose && want != wantKey && want != wantScope {
			return nil // what is missing was looked for before
		}
		return errors.New(told)
	}
	switch want {
	case LetIn:
		if !succeeded && !(try.loose && a.status != http.StatusUnauthorized && a.status != http.StatusForbidden) {
			return errors.New(told)
		}
	case wantKey:
		if a.status != http.StatusUnauthorized {
			return errors.New(told)
		}
	case wantScope:
		if a.status != http.StatusForbidden || q.method != http.MethodHead && !strings.Contains(a.body, "The scope "+string(rule.Scope)+" is needed") {
			return errors.New(told)
		}
	case wantHidden:
		// A list is empty. What deletes says of nothing what it says of something; that it is still there is looked at.
		isList := strings.HasPrefix(op.ID, "list") || op.ID == "searchMessages"
		if !refusal && !(succeeded && (isList || q.method == http.MethodDelete)) {
			return errors.New(told)
		}
	case wantNothing:
		if !succeeded && !refusal && !try.loose {
			return errors.New(told)
		}
	}
	return nil
}
