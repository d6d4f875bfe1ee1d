package openai

import (
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// refusal says which part of a request an endpoint doesn't take.
type refusal struct {
	part    part // parts: none that can be left out or changed
	renames bool // of the token limit: it has another name
	atMost  int  // of the token limit: the greatest that is taken; 0: unknown
}

// partNames are the names of the parts in requests, and the words for them in explanations.
var partNames = [parts]struct {
	names []string
	words *regexp.Regexp
}{
	partUsage:  {[]string{"stream_options", "include_usage"}, regexp.MustCompile(`\bstream[_ ]options?\b|\binclude_usage\b`)},
	partStream: {[]string{"stream"}, regexp.MustCompile(`\bstream(ing|ed)?\b`)},
	partSystem: {[]string{"system"}, regexp.MustCompile(
		`\bsystem\W{0,3}(role|message|prompt|instruction)|\brole\b.{0,40}\bsystem\b|['"\x60]system['"\x60]|developer (instruction|role|message)|roles? must alternate|only .{0,20}user.{0,20}(assistant|model).{0,30}roles?|messages? must start with`)},
	partLimit: {[]string{"max_tokens", "max_completion_tokens", "max_output_tokens", "maxoutputtokens", "max_new_tokens"}, regexp.MustCompile(
		`\bmax[_ ]?(completion[_ ]|output[_ ]|new[_ ])?tokens\b|\bmaxoutputtokens\b|\bmaximum (number of )?(output |completion )?tokens\b|\bin the completion\b`)},
	partTopP:        {[]string{"top_p"}, regexp.MustCompile(`\btop_?p\b`)},
	partTemperature: {[]string{"temperature"}, regexp.MustCompile(`\btemperature\b`)},
	partFrequency:   {[]string{"frequency_penalty"}, regexp.MustCompile(`\bfrequency[_ ]?penalty\b`)},
	partPresence:    {[]string{"presence_penalty"}, regexp.MustCompile(`\bpresence[_ ]?penalty\b`)},
	partStop:        {[]string{"stop"}, regexp.MustCompile(`\bstop([_ ]sequences?)?\b`)},
}

var (
	// deny are the words by which something is refused as such.
	deny = regexp.MustCompile(`\bnot\b.{0,20}(support|allow|enabl|permit|accept|implement|available|compatible|recogni[sz]ed|valid)|n't.{0,20}(support|allow|enabl|permit|accept|take)` +
		`|unsupported|unrecogni[sz]ed|unknown|unexpected|invalid|extra (inputs?|fields?)|forbidden|deprecated|disabled|\bonly\b|must alternate|must start|\bno support\b|\bcannot\b|can't|may not|before it may|must be|remove`)
	// unsupported are those among them that a broken connection doesn't use.
	unsupported = regexp.MustCompile(`not support|n't support|unsupported|not implemented|not allowed|must alternate|\bonly\b`)
	// outOfRange are the words by which a value is refused because of its size.
	outOfRange = regexp.MustCompile(`too (large|big|high|many)|exceed|at most|greater|less than|maximum|range|between|up to|>`)
	numbers    = regexp.MustCompile(`\d+`)
)

// refusalOf finds out what of a request an endpoint refuses. Vendors differ: some name the parameter, some say it in words
// only, and servers that fill a model's template answer with a fault of their own when it takes no system text.
func refusalOf(status int, d detail, sent *chatRequest) refusal {
	words, named := strings.ToLower(d.message), paramName(d.param)
	says := func(p part) bool {
		return partNames[p].words.MatchString(words) && (deny.MatchString(words) || outOfRange.MatchString(words))
	}
	switch status {
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
	case http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusUnsupportedMediaType, http.StatusInternalServerError, http.StatusNotImplemented:
		// Such an answer is seldom about the form of a request, and then its words are plain.
		named = ""
		says = func(p part) bool {
			return (p == partStream || p == partSystem) && partNames[p].words.MatchString(words) && unsupported.MatchString(words)
		}
	default:
		return refusal{part: parts}
	}
	for p := range parts {
		if !sent.has(p) || named == "" && !says(p) || named != "" && !slices.Contains(partNames[p].names, named) {
			continue
		}
		if p == partLimit {
			return limitRefusal(words, sent)
		}
		return refusal{part: p}
	}
	return refusal{part: parts}
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
func limitRefusal(words string, sent *chatRequest) refusal {
	r := refusal{part: partLimit}
	if !outOfRange.MatchString(words) {
		r.renames = true
		return r
	}
	if strings.Contains(words, "context") {
		return r // how much is left depends on the prompt
	}
	for _, digits := range numbers.FindAllString(words, -1) {
		if n, err := strconv.Atoi(digits); err == nil && n < sent.tokenLimit() {
			r.atMost = max(r.atMost, n)
		}
	}
	return r
}

// has reports whether the request has a part that can be refused.
func (r *chatRequest) has(p part) bool {
	switch p {
	case partUsage:
		return r.StreamOptions != nil
	case partStream:
		return r.Stream
	case partSystem:
		return !r.alternates()
	case partLimit:
		return r.tokenLimit() > 0
	case partTopP:
		return r.TopP != nil
	case partTemperature:
		return r.Temperature != nil
	case partFrequency:
		return r.FrequencyPenalty != nil
	case partPresence:
		return r.PresencePenalty != nil
	case partStop:
		return len(r.Stop) > 0
	default:
		return false
	}
}

func (r *chatRequest) tokenLimit() int { return max(r.MaxTokens, r.MaxCompletionTokens) }

// alternates reports whether the messages are of users and assistants only, in turns.
func (r *chatRequest) alternates() bool {
	for i, m := range r.Messages {
		if m.Role == "system" || i > 0 && r.Messages[i-1].Role == m.Role {
			return false
		}
	}
	return true
}
