#include "explain/chart/chart_png.h"

#include <cairo.h>
#include <cmath>
#include <librsvg/rsvg.h>
#include <memory>

#include "base/error.h"
#include "explain/chart/chart_svg.h"

namespace cajal {
namespace {

constexpr double kLargest = 32767.0;  // cairo's limit, pixels a side

struct Unref {
  void operator()(RsvgHandle* handle) const noexcept { g_object_unref(handle); }
  void operator()(GError* error) const noexcept { g_error_free(error); }
  void operator()(cairo_surface_t* surface) const noexcept { cairo_surface_destroy(surface); }
  void operator()(cairo_t* context) const noexcept { cairo_destroy(context); }
};
template <typename T>
using Held = std::unique_ptr<T, Unref>;

[[noreturn]] void fail_with(GError* error) {
  const Held<GError> held(error);
  fail(ErrorCode::Internal, "the picture cannot be drawn: {}",
       held ? held->message : "librsvg gives no reason");
}

Held<RsvgHandle> read_svg(const std::string& svg) {
  GError* error = nullptr;
  Held<RsvgHandle> out(
      rsvg_handle_new_from_data(reinterpret_cast<const guint8*>(svg.data()), svg.size(), &error));
  if (!out) {
    fail_with(error);
  }
  return out;
}

cairo_status_t append(void* into, const unsigned char* bytes, unsigned count) {
  static_cast<std::string*>(into)->append(reinterpret_cast<const char*>(bytes), count);
  return CAIRO_STATUS_SUCCESS;
}

void check_cairo(cairo_status_t status) {
  if (status != CAIRO_STATUS_SUCCESS) {
    fail(ErrorCode::ResourceExhausted, "the picture cannot be drawn: {}",
         cairo_status_to_string(status));
  }
}

}  // namespace

std::string to_png(const Chart& chart, double scale) {
  return png_of_svg(to_svg(chart), scale);
}

std::string png_of_svg(const std::string& svg, double scale) {
  const Held<RsvgHandle> handle = read_svg(svg);
  double width = 0.0;
  double height = 0.0;
  rsvg_handle_get_intrinsic_size_in_pixels(handle.get(), &width, &height);
  if (width * scale > kLargest || height * scale > kLargest) {
    fail(ErrorCode::ResourceExhausted,
         "the picture would have {:.0f} by {:.0f} pixels, more than {:.0f} a side; write --svg "
         "instead of --png",
         width * scale, height * scale, kLargest);
  }
  const RsvgRectangle place{0.0, 0.0, std::ceil(width * scale), std::ceil(height * scale)};
  const Held<cairo_surface_t> surface(cairo_image_surface_create(
      CAIRO_FORMAT_RGB24, static_cast<int>(place.width), static_cast<int>(place.height)));
  const Held<cairo_t> context(cairo_create(surface.get()));
  GError* error = nullptr;
  if (rsvg_handle_render_document(handle.get(), context.get(), &place, &error) == 0) {
    fail_with(error);
  }
  check_cairo(cairo_status(context.get()));
  std::string out;
  check_cairo(cairo_surface_write_to_png_stream(surface.get(), append, &out));
  return out;
}

}  // namespace cajal
