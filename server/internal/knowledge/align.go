package knowledge

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/google/uuid"

	"github.com/elizad/elizad/gen/db"
	"github.com/elizad/elizad/server/agent"
	"github.com/elizad/elizad/server/apierr"
	"github.com/elizad/elizad/server/internal/auth"
	"github.com/elizad/elizad/server/internal/extract"
	"github.com/elizad/elizad/server/internal/names"
	"github.com/elizad/elizad/server/internal/store"
)

// maxFiles is how many files of one folder are taken.
const maxFiles = 500

// item is what a character names: a text, a file, or something that can't be used.
type item struct {
	source Source
	place  string
	title  string
	text   string // of a text
	file   string // below the folder of knowledge
	within bool   // a file of a folder: one of a kind that can't be read is not meant
	reason string // why it can't be used; empty if it can
}

// align brings the documents of an agent in line with its character: what is new comes in, what changed is replaced, what is
// gone is removed. What has not changed is not touched.
func (s *Service) align(ctx context.Context, agentID uuid.UUID) error {
	var c agent.Character
	var rows []db.ListCharacterDocumentsRow
	err := store.SystemView(ctx, s.cfg.Store, "reading what a character knows", func(q db.System) error {
		row, err := q.GetAgent(ctx, agentID)
		if err != nil {
			return err
		}
		if c, err = agent.ParseCharacter(row.Character); err != nil {
			return fmt.Errorf("reading the character of agent %s: %w", agentID, err)
		}
		rows, err = q.ListCharacterDocuments(ctx, agentID)
		return err
	})
	if apierr.IsCode(err, apierr.NotFound) { // deleted, with all that it knew
		return nil
	} else if err != nil {
		return err
	}
	has := map[string]db.ListCharacterDocumentsRow{}
	for _, row := range rows {
		has[row.Source+" "+row.Place] = row
	}
	root, err := s.open()
	if err != nil {
		return err
	}
	if root != nil {
		defer func() { _ = root.Close() }()
	}
	wanted := map[string]bool{}
	for _, item := range s.items(root, c.Knowledge) {
		key := string(item.source) + " " + item.place
		if wanted[key] {
			continue
		}
		content, ok := item.read(root)
		if !ok {
			continue
		}
		wanted[key] = true
		row := s.rowOfItem(agentID, item, content)
		if known, there := has[key]; there && known.Hash == row.Hash {
			continue
		}
		if err := s.replace(ctx, row, content); err != nil {
			return err
		}
		if row.Reason != "" {
			s.cfg.Logger.WarnContext(ctx, "knowledge of a character can't be used", "agentId", agentID, "agentName", c.Name, "item", row.Title, "reason", row.Reason)
		}
	}
	for key, row := range has {
		if wanted[key] {
			continue
		}
		if err := s.remove(ctx, agentID, row.ID); err != nil {
			return err
		}
	}
	return nil
}

// open opens the folder of knowledge; nil if there is none.
func (s *Service) open() (*os.Root, error) {
	if s.cfg.Dir == "" {
		return nil, nil
	}
	root, err := os.OpenRoot(s.cfg.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("opening the folder of knowledge: %w", err)
	}
	return root, nil
}

// items returns what a character names, folders file by file.
func (s *Service) items(root *os.Root, knows []agent.Knowledge) []item {
	var out []item
	for _, k := range knows {
		switch {
		case k.Text != "":
			out = append(out, textItem(k))
		case strings.TrimSpace(k.Path+k.Directory) == "":
		case k.Directory != "":
			out = append(out, s.folder(root, k.Directory)...)
		default:
			name, reason := s.locate(root, k.Path)
			out = append(out, item{source: FromFolder, place: name, title: name, file: name, reason: reason})
		}
	}
	return out
}

func textItem(k agent.Knowledge) item {
	i := item{source: FromCharacter, text: k.Text, title: k.Path}
	switch {
	case k.Path != "":
		i.place = "path " + k.Path
	case k.ID != "":
		i.place, i.title = "id "+k.ID, k.ID
	default:
		i.place, i.title = "text "+hashOf([]byte(k.Text)), titleOf(k.Text)
	}
	return i
}

// folder returns the files of a folder, without hidden ones.
func (s *Service) folder(root *os.Root, dir string) []item {
	name, reason := s.locate(root, dir)
	nothing := item{source: FromFolder, place: name, title: name, reason: reason}
	if reason != "" {
		return []item{nothing}
	}
	var out []item
	err := fs.WalkDir(root.FS(), name, func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case file != name && strings.HasPrefix(entry.Name(), "."):
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		case entry.IsDir():
			return nil
		case len(out) == maxFiles:
			nothing.reason = fmt.Sprintf("It has more files than are taken, %d", maxFiles)
			return fs.SkipAll
		}
		out = append(out, item{source: FromFolder, place: file, title: file, file: file, within: true})
		return nil
	})
	if err != nil {
		nothing.reason = "It can't be read"
	}
	if nothing.reason != "" {
		out = append(out, nothing)
	}
	return out
}

// locate returns the name of a file or folder below the folder of knowledge, or why there is none.
func (s *Service) locate(root *os.Root, given string) (name, reason string) {
	name = path.Clean(filepath.ToSlash(strings.TrimSpace(given)))
	if root == nil {
		return name, "There is no folder of knowledge; KNOWLEDGE_PATH (--knowledge-dir) names it"
	}
	if filepath.IsAbs(name) {
		if below, err := filepath.Rel(s.cfg.Dir, filepath.FromSlash(name)); err == nil {
			name = filepath.ToSlash(below)
		}
	}
	if !filepath.IsLocal(filepath.FromSlash(name)) {
		return name, "It is not below the folder of knowledge"
	}
	if _, err := root.Stat(name); err == nil {
		return name, ""
	}
	// Characters may name files as they are seen from outside of the folder.
	if first, rest, ok := strings.Cut(name, "/"); ok && first == filepath.Base(s.cfg.Dir) {
		if _, err := root.Stat(rest); err == nil {
			return rest, ""
		}
	}
	return name, "There is no such file in the folder of knowledge"
}

// read returns the content of an item, or sets the reason why it can't be used. Not ok is a file that nobody meant.
func (i *item) read(root *os.Root) (content []byte, ok bool) {
	if i.reason != "" {
		return nil, true
	}
	if i.source == FromCharacter {
		return []byte(i.text), true
	}
	content, i.reason = readFile(root, i.file)
	if i.within && (i.reason == notAFile || i.reason == "" && !extract.Supports(mediaTypeOf(i.file, "", content))) {
		return nil, false
	}
	return content, true
}

const notAFile = "It is not a file"

// readFile reads a file. Symbolic links that lead out of the folder can't be opened.
func readFile(root *os.Root, name string) (content []byte, reason string) {
	info, err := root.Stat(name) // before a pipe is opened, which would wait for its writer
	switch {
	case err != nil:
		return nil, "It can't be read"
	case !info.Mode().IsRegular():
		return nil, notAFile
	case info.Size() > MaxSize:
		return nil, sentence(extract.TooLarge)
	case info.Size() == 0:
		return nil, sentence(extract.Textless)
	}
	f, err := root.Open(name)
	if err != nil {
		return nil, "It can't be read"
	}
	defer func() { _ = f.Close() }()
	content, err = io.ReadAll(io.LimitReader(f, MaxSize))
	if err != nil {
		return nil, "It can't be read"
	}
	return content, ""
}

// rowOfItem returns the row of an item. That of one which can't be used says why, also by its hash, so that it changes with the reason.
func (s *Service) rowOfItem(agentID uuid.UUID, i item, content []byte) db.InsertDocumentParams {
	title := shorten(names.Clean(i.title), maxTitle)
	if i.reason != "" {
		row := s.rowOf(agentID, i.source, i.place, title, "", hashOf([]byte(i.reason)), 0)
		row.Status, row.Reason = string(Failed), i.reason
		return row
	}
	mediaType := extract.PlainText
	if i.source == FromFolder {
		mediaType = mediaTypeOf(i.file, "", content)
	}
	return s.rowOf(agentID, i.source, i.place, title, mediaType, hashOf(content), len(content))
}

// replace stores a document in place of the one that was there.
func (s *Service) replace(ctx context.Context, row db.InsertDocumentParams, content []byte) error {
	err := store.SystemUpdate(ctx, s.cfg.Store, "storing what a character knows", func(q db.System) error {
		if _, err := q.DeleteDocument(ctx, db.DeleteDocumentParams{ID: row.ID, AgentID: row.AgentID}); err != nil {
			return err
		}
		return insert(ctx, q, row, content)
	})
	if apierr.IsCode(err, apierr.NotFound) { // the agent was deleted
		return nil
	}
	return err
}

func (s *Service) remove(ctx context.Context, agentID, id uuid.UUID) error {
	return store.SystemUpdate(ctx, s.cfg.Store, "removing what a character knew", func(q db.System) error {
		_, err := q.DeleteDocument(ctx, db.DeleteDocumentParams{ID: id, AgentID: agentID})
		return err
	})
}

// noticed is how many things a notice names.
const noticed = 3

// Notice says for the owner of an agent what its character names and it can't use; empty when all is well.
func (s *Service) Notice(ctx context.Context, who auth.Identity, agentID uuid.UUID) (string, error) {
	var rows []db.ListUnusedDocumentsRow
	err := store.View(ctx, s.cfg.Store, who.Scope(), "reading what an agent can't use", func(q db.Scoped) (err error) {
		rows, err = q.ListUnusedDocuments(ctx, db.ListUnusedDocumentsParams{AgentID: agentID, LimitRows: noticed + 1})
		return err
	})
	if err != nil || len(rows) == 0 {
		return "", err
	}
	var parts []string
	for _, row := range rows[:min(noticed, len(rows))] {
		parts = append(parts, fmt.Sprintf("%s (%s)", row.Title, row.Reason))
	}
	if len(rows) > noticed {
		parts = append(parts, "and more")
	}
	return "Knowledge that can't be used: " + strings.Join(parts, "; ") + ".", nil
}
