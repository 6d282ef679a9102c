"""Do codes follow the factors of an image, one each? Measures of arrays of codes and factors."""
