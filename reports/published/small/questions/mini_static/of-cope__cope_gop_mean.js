given("of-cope__cope_gop_mean",{"outcomes":"211212222122122121121221","labels":null});
