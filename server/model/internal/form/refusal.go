package form

import (
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Refusal says which part of a request an endpoint doesn't take.
type Refusal struct {
	Part    Part
	Renames bool // of the token limit: it has another name
	AtMost  int  // of the token limit: the greatest that is taken; 0: unknown
	Passing bool // it is about this request, and says nothing of the next
}

// Request is a request as it was sent.
type Request interface {
	Has(Part) bool   // whether it has a part that can be refused
	TokenLimit() int // 0 for none
}

// partNames are the names of the parts in requests, and the words for them in explanations.
var partNames = [parts]struct {
	names []string
	words *regexp.Regexp
}{
	Pictures: {[]string{"image_url", "image", "images"}, regexp.MustCompile(
		`\bimages?\b|\bimage_url\b|\bvision\b|\bmulti-?modal\b|\bcontent\W{1,3}(input )?(must|should) be a (valid )?string`)},
	Usage:  {[]string{"stream_options", "include_usage"}, regexp.MustCompile(`\bstream[_ ]options?\b|\binclude_usage\b`)},
	Stream: {[]string{"stream"}, regexp.MustCompile(`\bstream(ing|ed)?\b`)},
	Tools:  {[]string{"tools", "tool_choice", "functions"}, regexp.MustCompile(`\btools?\b|\btool[_-](use|call|choice)|\bfunction[_ -]?call`)},
	Cache:  {[]string{"cache_control"}, regexp.MustCompile(`\bcache_control\b|\bprompt caching\b`)},
	System: {[]string{"system"}, regexp.MustCompile(
		`\bsystem\W{0,3}(role|message|prompt|instruction)|\brole\b.{0,40}\bsystem\b|['"\x60]system['"\x60]|developer (instruction|role|message)|roles? must alternate|only .{0,20}user.{0,20}(assistant|model).{0,30}roles?|messages? must start with`)},
	Limit: {[]string{"max_tokens", "max_completion_tokens", "max_output_tokens", "maxoutputtokens", "max_new_tokens"}, regexp.MustCompile(
		`\bmax[_ ]?(completion[_ ]|output[_ ]|new[_ ])?tokens\b|\bmaxoutputtokens\b|\bmaximum (number of )?(output |completion )?tokens\b|\bin the completion\b`)},
	TopP:        {[]string{"top_p"}, regexp.MustCompile(`\btop_?p\b`)},
	Temperature: {[]string{"temperature"}, regexp.MustCompile(`\btemperature\b`)},
	Frequency:   {[]string{"frequency_penalty"}, regexp.MustCompile(`\bfrequency[_ ]?penalty\b`)},
	Presence:    {[]string{"presence_penalty"}, regexp.MustCompile(`\bpresence[_ ]?penalty\b`)},
	Stop:        {[]string{"stop"}, regexp.MustCompile(`\bstop([_ ]sequences?)?\b`)},
}

var (
	// deny are the words by which something is refused as such.
	deny = regexp.MustCompile(`\bnot\b.{0,20}(support|allow|enabl|permit|accept|implement|available|compatible|recogni[sz]ed|valid)|n't.{0,20}(support|allow|enabl|permit|accept|take)` +
		`|unsupported|unrecogni[sz]ed|unknown|unexpected|invalid|extra (inputs?|fields?)|forbidden|deprecated|disabled|\bonly\b|must alternate|must start|\bno support\b|\bcannot\b|can't|may not|before it may|must be|remove`)
	// unsupported are those among them that a broken connection doesn't use.
	unsupported = regexp.MustCompile(`not support|n't support|unsupported|not implemented|not allowed|must alternate|\bonly\b`)
	// outOfRange are the words by which a value is refused because of its size.
	outOfRange = regexp.MustCompile(`too (large|big|high|many)|exceed|at most|greater|less than|maximum|range|between|up to|>`)
	// beyondContext is how Anthropic refuses a limit that leaves no room for the prompt.
	beyondContext = regexp.MustCompile(`exceed context limit: (\d+) \+ \d+ > (\d+)`)
	// unfit are the words by which a picture is refused, and not all of them.
	unfit = regexp.MustCompile(`format|valid image|base64|decod|process|too (large|big|small|many)|exceed|dimension|pixel|download|more than [1-9]|at most [1-9]`)
	// noTools are words of servers whose model calls no tools, or of routers that know none which does.
	noTools = regexp.MustCompile(`(not support|n't support|unsupported|not implemented).{0,30}\b(tools?|function)|\b(tools?|function).{0,40}(not support|n't support|unsupported|not implemented|not enabled)|no endpoints? found that supports? tool`)
	// blind are words of servers, beside those of unsupported, whose model doesn't see.
	blind   = regexp.MustCompile(`no endpoints found|missing data required|multi-?modal`)
	numbers = regexp.MustCompile(`\d+`)
)

// RefusalOf finds out what of a request an endpoint refuses, by the status and the explanation of its answer, and by the
// parameter that it names, if any; nil is nothing that can be left out or changed. Vendors differ: some name the parameter, some
// say it in words only, and servers that fill a model's template answer with a fault of their own when it takes no system text.
func RefusalOf(status int, explanation, param string, sent Request) *Refusal {
	words, named := strings.ToLower(explanation), paramName(param)
	says := func(p Part) bool {
		if p == Pictures || p == Tools { // whatever is wrong with them, an answer goes without
			return partNames[p].words.MatchString(words)
		}
		return partNames[p].words.MatchString(words) && (deny.MatchString(words) || outOfRange.MatchString(words))
	}
	switch status {
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusUnsupportedMediaType, http.StatusInternalServerError, http.StatusNotImplemented:
		// Such an answer is seldom about the form of a request, and then its words are plain.
		named = ""
		says = func(p Part) bool {
			if p == Pictures && partNames[p].words.MatchString(words) && blind.MatchString(words) {
				return true
			}
			if p == Tools && noTools.MatchString(words) {
				return true
			}
			return (p == Pictures || p == Stream || p == System) && partNames[p].words.MatchString(words) && unsupported.MatchString(words)
		}
	default:
		return nil
	}
	for p := range parts {
		if !sent.Has(p) || named == "" && !says(p) || named != "" && !slices.Contains(partNames[p].names, named) {
			continue
		}
		switch p {
		case Limit:
			return limitRefusal(words, sent)
		case Pictures:
			return &Refusal{Part: p, Passing: unfit.MatchString(words)}
		}
		return &Refusal{Part: p}
	}
	return nil
}

// paramName returns the name of the parameter behind a path like stream_options.include_usage or body.max_tokens. What is
// wrong with messages is described in words only.
func paramName(path string) string {
	path = strings.TrimPrefix(strings.ToLower(path), "body.")
	if i := strings.IndexAny(path, ".["); i >= 0 {
		path = path[:i]
	}
	if path == "messages" {
		return ""
	}
	return path
}

// limitRefusal finds out how a token limit may be sent: smaller, under another name, or not at all.
func limitRefusal(words string, sent Request) *Refusal {
	r := &Refusal{Part: Limit}
	if !outOfRange.MatchString(words) {
		r.Renames = true
		return r
	}
	if found := beyondContext.FindStringSubmatch(words); found != nil {
		prompt, _ := strconv.Atoi(found[1]) // digits; of too many of them nothing follows
		context, _ := strconv.Atoi(found[2])
		r.AtMost, r.Passing = max(0, context-prompt), context > prompt
	}
	if strings.Contains(words, "context") {
		return r // how much is left depends on the prompt
	}
	for _, digits := range numbers.FindAllString(words, -1) {
		if n, err := strconv.Atoi(digits); err == nil && n < sent.TokenLimit() {
			r.AtMost = max(r.AtMost, n)
		}
	}
	return r
}
