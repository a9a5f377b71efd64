// Errors are values. Result<T, E> holds either a T or an E; E's zero value means "no error".
//
// E is the error enum of a domain (engine: store/error.h). Nothing of ours throws.
#pragma once

#include <utility>

#include "base/check.h"

namespace kiln {

template <typename T, typename E>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)), error_() {}  // NOLINT: conversion is the point.
  Result(E error) : value_(), error_(error) { KILN_DCHECK(error != E{}); }  // NOLINT

  explicit operator bool() const { return error_ == E{}; }
  E error() const { return error_; }

  T& operator*() {
    KILN_DCHECK(*this);
    return value_;
  }
  const T& operator*() const {
    KILN_DCHECK(*this);
    return value_;
  }
  T* operator->() {
    KILN_DCHECK(*this);
    return &value_;
  }

 private:
  T value_;
  E error_;
};

}  // namespace kiln
