given("of-cope__cope_zero",{"outcomes":"142111211111112221122221","labels":null});
