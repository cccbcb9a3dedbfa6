#!/usr/bin/env bash
# Includes point one way: no "../", our headers as <taxon/AREA/x.h>, and only from areas that stand
# before in the order of the folders. Public headers stay light: none of them includes a third-party
# library, a stream, or the kernels' seam.
. "$(dirname "$0")/common.sh"

heavy='^(Eigen|eigen3|stb|curl|openssl|archive|nlohmann|toml\+\+|CLI|zlib\.h|zconf\.h|cuda|cudnn|cublas|benchmark|catch2|iostream|fstream|sstream|iomanip|regex)'
# Headers that folders share but that are not installed (cmake/Install.cmake leaves them out).
internal=' core/dispatch.h '
checked=0
while read -r file; do
  checked=$((checked + 1))
  area=$(area_of "$file")
  allowed=" $(may_include "$area") "
  public=no
  case $file in kernels/*) ;; */include/*) public=yes ;; esac
  [[ $internal != *" ${file#*/include/taxon/} "* ]] || public=no
  while read -r include; do
    path=${include:1:-1}
    case $path in ../* | */../*) problem "$file includes $include: '..' is not allowed" ;; esac
    case $include in
      '"taxon/'*) problem "$file includes $include: write <$path>" ;;
      '<taxon/'*/*)
        from=${path#taxon/}
        from=${from%%/*}
        [[ $allowed == *" $from "* ]] || problem "$file includes $include: $area stands before $from"
        if [ $public = yes ] && [ "$from" = kernels ]; then
          problem "$file includes $include: a public header must not need the kernels"
        elif [ $public = yes ] && [[ $internal == *" ${path#taxon/} "* ]]; then
          problem "$file includes $include: that header is not installed"
        fi
        ;;
    esac
    if [ $public = yes ] && [[ $path =~ $heavy ]]; then
      problem "$file includes $include: a public header must stay light"
    fi
  done < <(sed -nE 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*([<"][^>"]*[>"]).*/\1/p' "$file")
done < <(sources)
finish "$checked" "sources' includes"
