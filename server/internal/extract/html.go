package extract

import (
	"bytes"
	"strings"

	htmltomarkdown "github.com/JohannesKaufmann/html-to-markdown/v2"
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
	"golang.org/x/net/html/charset"
)

// readHTML turns a page into Markdown: headings, lists and tables keep their meaning for a model. What is around the content
// is left out.
func readHTML(s source, out *builder) error {
	data, err := s.all()
	if err != nil {
		return err
	}
	decoded, err := charset.NewReader(bytes.NewReader(data), HTML)
	if err != nil {
		return Damaged
	}
	root, err := html.Parse(decoded)
	if err != nil {
		return Damaged
	}
	title := prune(root)
	if main := find(root, atom.Main, atom.Article); main != nil {
		root = main
	}
	text, err := htmltomarkdown.ConvertNode(root)
	if err != nil {
		return Damaged
	}
	if title != "" && !bytes.Contains(text, []byte(title)) {
		if err := out.write("# " + title + "\n\n"); err != nil {
			return err
		}
	}
	return out.write(string(text))
}

// aside are elements without content of the page's own.
var aside = map[atom.Atom]bool{
	atom.Script: true, atom.Style: true, atom.Noscript: true, atom.Template: true, atom.Nav: true, atom.Footer: true, atom.Aside: true,
	atom.Iframe: true, atom.Svg: true, atom.Form: true, atom.Head: true,
}

// prune takes out what is aside, and returns the title.
func prune(n *html.Node) (title string) {
	for child := n.FirstChild; child != nil; {
		next := child.NextSibling
		if child.DataAtom == atom.Title && child.FirstChild != nil {
			title = strings.Join(strings.Fields(child.FirstChild.Data), " ")
		} else if found := prune(child); title == "" {
			title = found
		}
		if child.Type == html.CommentNode || aside[child.DataAtom] {
			n.RemoveChild(child)
		}
		child = next
	}
	return title
}

// find returns the first element of one of the kinds.
func find(n *html.Node, kinds ...atom.Atom) *html.Node {
	for d := range n.Descendants() {
		for _, kind := range kinds {
			if d.DataAtom == kind {
				return d
			}
		}
	}
	return nil
}
