package node

import (
	"context"
	"io"

	"longwire/board"
	"longwire/firmware/config"
	"longwire/links/s5066"
	"longwire/links/vsock"
)

// dialers are the ways to a SIS server beside TCP.
var dialers = map[string]s5066.Dialer{
	config.ServerSerial: func(_ context.Context, s s5066.Server) (io.ReadWriteCloser, error) {
		return orNil(board.Open(board.PortConfig{Name: s.Address, Baud: s.Baud}))
	},
	config.ServerVsock: func(ctx context.Context, s s5066.Server) (io.ReadWriteCloser, error) {
		return orNil(vsock.Dial(ctx, s.Address))
	},
}

// orNil keeps a nil pointer from becoming an interface that is not nil.
func orNil[C io.ReadWriteCloser](c C, err error) (io.ReadWriteCloser, error) {
	if err != nil {
		return nil, err
	}
	return c, nil
}
