package media

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/google/uuid"

	"github.com/elizad/elizad/server/internal/fileurl"
	"github.com/elizad/elizad/server/internal/store"
)

// Config is what a Service is made of. Store, the three folders, MaxFile and, for Start, Instance are required.
type Config struct {
	Store          store.Store
	AgentUploads   string // folder of uploads to agents; made when missing, like the others
	ChannelUploads string
	Generated      string // folder of what agents make
	MaxFile        int64  // bytes of one upload
	Quota          int64  // bytes that one agent or one channel may have; 0: no limit
	Logger         *slog.Logger
	Instance       uuid.UUID // this server's id, under which no other process lives: see package instance
}

// Service keeps files. Its methods are safe for concurrent use.
type Service struct {
	store   store.Store
	folders map[Area]*folder
	maxFile int64
	ledger  ledger
	log     *slog.Logger

	instance string // what the names of its incoming files begin with

	cleaning sync.WaitGroup
	end      context.CancelFunc // of the cleaning; nil before Start
}

// Area is a part of the stored files.
type Area = fileurl.Area

// The areas.
const (
	AgentUploads   = fileurl.AgentUploads
	ChannelUploads = fileurl.ChannelUploads
	Generated      = fileurl.Generated
)

// Owner is whose files are meant: an agent's or a channel's.
type Owner struct {
	Area Area
	ID   uuid.UUID
}

// Open makes the folders that are missing and returns a service on them. Close must be called.
func Open(cfg Config) (*Service, error) {
	s := &Service{store: cfg.Store, folders: map[Area]*folder{}, maxFile: cfg.MaxFile, log: cfg.Logger, instance: cfg.Instance.String() + "."}
	s.ledger.quota = cfg.Quota
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	for area, path := range map[Area]string{AgentUploads: cfg.AgentUploads, ChannelUploads: cfg.ChannelUploads, Generated: cfg.Generated} {
		f, err := openFolder(path)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("opening the folder of media: %w", err), s.closeFolders())
		}
		s.folders[area] = f
	}
	return s, nil
}

// Close ends the cleaning and gives the folders back. Files that are being served stay readable.
func (s *Service) Close() error {
	if s.end != nil {
		s.end()
		s.cleaning.Wait()
	}
	return s.closeFolders()
}

func (s *Service) closeFolders() error {
	var errs []error
	for _, f := range s.folders {
		errs = append(errs, f.close())
	}
	return errors.Join(errs...)
}
