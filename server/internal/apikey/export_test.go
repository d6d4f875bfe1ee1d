package apikey

import "context"

// Tend does what a Service does now and then.
func (s *Service) Tend(ctx context.Context) error {
	if err := s.endWatched(ctx); err != nil {
		return err
	}
	return s.writeUses(ctx)
}

// Most is how many keys there may be.
const Most = maxKeys
