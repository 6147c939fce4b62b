given("of-cope__cope_motion",{"outcomes":"332133231233332333231232","labels":null});
