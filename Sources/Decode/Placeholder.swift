enum DecodePlaceholder {}
