given("of-cope__cope_gop_mean",{"outcomes":"333112333332332333323323","labels":null});
