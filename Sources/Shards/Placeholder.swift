enum ShardsPlaceholder {}
