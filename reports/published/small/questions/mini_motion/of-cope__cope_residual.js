given("of-cope__cope_residual",{"outcomes":"112111212111112221222221","labels":null});
