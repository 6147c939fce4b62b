given("of-cope__cope_gop_mean",{"outcomes":"133113332333333321332331","labels":null});
