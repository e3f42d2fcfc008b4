package node

import (
	"context"

	"longwire/firmware/admin"
	"longwire/firmware/config"
)

type linkConf struct{}

type linkManager struct{}

func (l *linkManager) Up(string) bool                { return false }
func (l *linkManager) Check([]linkConf) error        { return nil }
func (l *linkManager) Apply([]linkConf) error        { return nil }
func (l *linkManager) Run(ctx context.Context) error { <-ctx.Done(); return nil }
func (l *linkManager) States() []admin.LinkState     { return nil }

func (n *Node) newLinks() *linkManager { return &linkManager{} }

func (n *Node) linkConfig(cfg *config.Config, l config.Link, p config.Peer) (linkConf, error) {
	return linkConf{}, nil
}
