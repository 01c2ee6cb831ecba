enum PrunePlaceholder {}
