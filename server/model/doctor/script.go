package doctor

import (
	"embed"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
)

//go:embed script/*.json
var files embed.FS

// stages are the rules that use intents, in the order of precedence.
func stages() []string {
	return []string{"crisis", "attachment", "command", "forget", "setup", "help", "about", "time", "recall", "thing", "fact", "social", "skill"}
}

// script is the words of the responder: what it understands and what it says.
type script struct {
	Contractions map[string]string   `json:"contractions"` // short forms, and how they are written out
	Groups       map[string][]string `json:"groups"`       // words that patterns treat alike
	Related      map[string][]string `json:"related"`      // words that a question means by one word
	Stopwords    []string            `json:"stopwords"`    // words that say nothing about a subject
	Fillers      []string            `json:"fillers"`      // words that may precede what is meant
	Tails        []string            `json:"tails"`        // words that may follow it
	Intents      []*intent           `json:"intents"`      // in the order of precedence
	Keywords     []*keyword          `json:"keywords"`
	Languages    []*language         `json:"languages"`
	Lines        map[string][]string `json:"lines"` // replies that code chooses, by rule

	stop     map[string]bool
	own      map[string]bool // actions that the script knows when to take
	filler   map[string]bool
	tail     map[string]bool
	groups   map[string]map[string]bool
	related  map[string]map[string]bool
	keyword  map[string]*keyword
	index    map[string][]indexed // intents by a word their patterns need
	language map[string][]*language
}

// intent is something a message may mean as a whole clause.
type intent struct {
	ID       string   `json:"id"`
	Stage    string   `json:"stage"` // which of the responder's rules uses it
	Patterns []string `json:"patterns"`
	Unless   []string `json:"unless"`  // patterns of what looks alike and isn't meant
	Replies  []string `json:"replies"` // variants
	Unknown  []string `json:"unknown"` // variants for a question that nothing known answers
	Action   string   `json:"action"`  // action that a command asks for
	Slot     string   `json:"slot"`    // what a fact or a question is about; may hold {1}
	Value    string   `json:"value"`   // what a fact says; may hold {1}, {2}
	Claim    string   `json:"claim"`   // a fact as told back; may hold {value}, {1}
	Many     bool     `json:"many"`    // a newer fact of the slot adds to older ones
	List     bool     `json:"list"`    // the value may go on behind commas
	Rest     int      `json:"rest"`    // most words in the gaps of small talk; default 3

	order    int
	patterns []pattern
	unless   []pattern
}

// keyword is a word that the scheme takes a clause apart at.
type keyword struct {
	Word  string   `json:"word"`
	Also  []string `json:"also"`
	Rank  int      `json:"rank"` // the highest in a message decides
	Rules []*rule  `json:"rules"`
}

// rule takes a clause apart and puts a reply together, or hands the clause to another keyword.
type rule struct {
	Pattern string   `json:"pattern"`
	Replies []string `json:"replies"`
	Goto    string   `json:"goto"`

	id      string
	pattern pattern
}

// language is what the responder can say in a language it doesn't understand.
type language struct {
	Code    string   `json:"code"`
	Name    string   `json:"name"`
	Script  string   `json:"script"`  // Unicode script, when it alone tells the language
	Words   []string `json:"words"`   // frequent words, when the script doesn't
	Neutral []string `json:"neutral"` // variants
	Honest  []string `json:"honest"`  // variants of saying that it is not understood
	Crisis  []string `json:"crisis"`  // phrases of people in danger
	Safe    []string `json:"safe"`    // variants of what to say to them

	table *unicode.RangeTable
}

// indexed is the nth pattern of an intent.
type indexed struct {
	intent  *intent
	pattern pattern
	n       int
}

// load reads the embedded script.
func load() (*script, error) {
	s := new(script)
	for _, name := range []string{"words", "intents", "skills", "keywords", "feelings", "languages", "lines"} {
		data, err := files.ReadFile("script/" + name + ".json")
		if err != nil {
			return nil, fmt.Errorf("reading the script: %w", err)
		}
		var part script
		if err := json.Unmarshal(data, &part); err != nil {
			return nil, fmt.Errorf("reading script/%s.json: %w", name, err)
		}
		s.merge(&part)
	}
	return s, s.compile()
}

// merge adds what one file holds; each of the maps and the lists of words comes from one file only.
func (s *script) merge(part *script) {
	if part.Contractions != nil {
		s.Contractions, s.Groups, s.Related = part.Contractions, part.Groups, part.Related
		s.Stopwords, s.Fillers, s.Tails = part.Stopwords, part.Fillers, part.Tails
	}
	if part.Lines != nil {
		s.Lines = part.Lines
	}
	s.Intents = append(s.Intents, part.Intents...)
	s.Keywords = append(s.Keywords, part.Keywords...)
	s.Languages = append(s.Languages, part.Languages...)
}

// compile prepares the script for use.
func (s *script) compile() error {
	s.own = ownActions(s.Intents)
	s.stop, s.filler, s.tail = set(s.Stopwords), set(s.Fillers), set(s.Tails)
	s.groups = make(map[string]map[string]bool, len(s.Groups))
	for name, words := range s.Groups {
		s.groups[name] = set(words)
	}
	s.related = make(map[string]map[string]bool, len(s.Related))
	for word, words := range s.Related {
		s.related[word] = set(words)
	}
	order := stages()
	slices.SortStableFunc(s.Intents, func(a, b *intent) int {
		return slices.Index(order, a.Stage) - slices.Index(order, b.Stage)
	})
	for i, intent := range s.Intents {
		intent.order = i
		if err := intent.compile(s.groups); err != nil {
			return err
		}
	}
	s.index = index(s.Intents)
	s.keyword = make(map[string]*keyword)
	for _, k := range s.Keywords {
		for _, word := range append([]string{k.Word}, k.Also...) {
			if s.keyword[word] != nil {
				return fmt.Errorf("keyword %q is there twice", word)
			}
			s.keyword[word] = k
		}
		for i, rule := range k.Rules {
			rule.id = fmt.Sprintf("%s.%d", k.Word, i)
			var err error
			if rule.pattern, err = compile(rule.Pattern, s.groups); err != nil {
				return fmt.Errorf("keyword %q: %w", k.Word, err)
			}
		}
	}
	s.language = make(map[string][]*language)
	for _, l := range s.Languages {
		l.table = unicode.Scripts[l.Script]
		for _, word := range l.Words {
			s.language[word] = append(s.language[word], l)
		}
	}
	return nil
}

func (i *intent) compile(groups map[string]map[string]bool) error {
	for _, list := range []struct {
		sources []string
		into    *[]pattern
	}{{i.Patterns, &i.patterns}, {i.Unless, &i.unless}} {
		for _, source := range list.sources {
			p, err := compile(source, groups)
			if err != nil {
				return fmt.Errorf("intent %q: %w", i.ID, err)
			}
			*list.into = append(*list.into, p)
		}
	}
	return nil
}

// index files every pattern under the word of it that fewest patterns have, so that a clause is compared with the few
// patterns that may match it.
func index(intents []*intent) map[string][]indexed {
	count := make(map[string]int)
	for _, intent := range intents {
		for _, p := range intent.patterns {
			for _, e := range p.elements {
				count[e.word]++
			}
		}
	}
	byWord := make(map[string][]indexed)
	for _, intent := range intents {
		for n, p := range intent.patterns {
			for _, word := range p.anchors(count) {
				byWord[word] = append(byWord[word], indexed{intent, p, n})
			}
		}
	}
	return byWord
}

// hit is an intent found in a message.
type hit struct {
	intent   *intent
	captures [][]token
	clause   int
	pattern  int
}

// scan finds the intents of a message, most important first, each in its last clause and with its first pattern there.
func (s *script) scan(clauses []clause) []hit {
	best := make(map[*intent]hit)
	for n, c := range clauses {
		for _, t := range c.tokens {
			for _, candidate := range s.index[t.word] {
				if found, ok := best[candidate.intent]; ok && found.clause == n && found.pattern <= candidate.n {
					continue
				}
				if captures, ok := candidate.match(c.tokens); ok {
					best[candidate.intent] = hit{candidate.intent, captures, n, candidate.n}
				}
			}
		}
	}
	return slices.SortedFunc(maps.Values(best), func(a, b hit) int { return a.intent.order - b.intent.order })
}

// match applies the pattern and the intent's exceptions.
func (x indexed) match(tokens []token) ([][]token, bool) {
	captures, ok := x.pattern.match(tokens)
	if !ok {
		return nil, false
	}
	for _, p := range x.intent.unless {
		if _, excepted := p.match(tokens); excepted {
			return nil, false
		}
	}
	return captures, true
}

// core returns the clause without the words around what is meant: the agent's name, "please", "well". When nothing else is
// left, only the agent's name goes.
func (s *script) core(c clause, agent map[string]bool) clause {
	from, to := 0, len(c.tokens)
	for from < to && s.leads(c.tokens[from:], agent) {
		from++
	}
	for to > from && (s.tail[c.tokens[to-1].word] || agent[c.tokens[to-1].word]) {
		to--
	}
	if from < to {
		return clause{c.tokens[from:to], c.question, c.goesOn}
	}
	rest := slices.DeleteFunc(slices.Clone(c.tokens), func(t token) bool { return agent[t.word] })
	if len(rest) == 0 {
		return c
	}
	return clause{rest, c.question, c.goesOn}
}

// leads reports whether the first of tokens only leads to what is meant. A greeting with a hail after it stands for itself.
func (s *script) leads(tokens []token, agent map[string]bool) bool {
	word := tokens[0].word
	if s.member("greet", word) && s.member("hail", wordAt(tokens, 1)) {
		return false
	}
	return s.filler[word] || agent[word]
}

// content returns the folded words of tokens that say something about the subject.
func (s *script) content(tokens []token) []string {
	var words []string
	for _, t := range tokens {
		if !s.stop[t.word] && len(t.word) > 1 {
			words = append(words, t.word)
		}
	}
	return words
}

func set(words []string) map[string]bool {
	m := make(map[string]bool, len(words))
	for _, w := range words {
		m[strings.ToLower(w)] = true
	}
	return m
}
