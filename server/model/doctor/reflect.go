package doctor

// reflect turns the point of view of tokens around, in one pass, so that nothing turns twice (agent runtime §18.3).
func (s *script) reflect(tokens []token) []token {
	turned := make([]token, len(tokens))
	for i, t := range tokens {
		turned[i] = t
		before, after := wordAt(tokens, i-1), wordAt(tokens, i+1)
		to := ""
		switch t.word {
		case "i", "me":
			to = "you"
		case "my":
			to = "your"
		case "mine":
			to = "yours"
		case "myself":
			to = "yourself"
		case "your":
			to = "my"
		case "yours":
			to = "mine"
		case "yourself":
			to = "myself"
		case "you":
			to = s.youTurned(before, after)
		case "am":
			to = "are"
		case "was":
			if before == "i" || after == "i" {
				to = "were"
			}
		case "are":
			if before == "you" || after == "you" && !s.isObject(before, after) {
				to = "am"
			}
		case "were":
			if before == "you" || after == "you" {
				to = "was"
			}
		}
		if to != "" {
			turned[i] = token{to, to}
		}
	}
	return turned
}

// youTurned decides between "I" and "me": "you" is the subject before a verb, and when an auxiliary comes before it; it
// is an object after other verbs and prepositions, and at the end.
func (s *script) youTurned(before, after string) string {
	if s.isObject(before, after) {
		return "me"
	}
	return "i"
}

func (s *script) isObject(before, after string) bool {
	switch {
	case s.member("auxiliary", before):
		return false
	case s.member("preposition", before):
		return true
	case after == "" || s.member("preposition", after) || s.member("connective", after):
		return true
	case before == "" || s.member("connective", before):
		return false
	default:
		return s.member("transitive", before) && !s.member("auxiliary", after)
	}
}

// member reports whether word is in a group.
func (s *script) member(group, word string) bool { return s.groups[group][word] }

// wordAt returns the folded word at i, or nothing outside.
func wordAt(tokens []token, i int) string {
	if i < 0 || i >= len(tokens) {
		return ""
	}
	return tokens[i].word
}
