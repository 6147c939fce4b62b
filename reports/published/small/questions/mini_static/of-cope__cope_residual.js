given("of-cope__cope_residual",{"outcomes":"212121333323332312221232","labels":null});
