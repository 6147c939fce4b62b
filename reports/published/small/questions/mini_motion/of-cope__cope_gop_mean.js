given("of-cope__cope_gop_mean",{"outcomes":"112121211221112121122121","labels":null});
