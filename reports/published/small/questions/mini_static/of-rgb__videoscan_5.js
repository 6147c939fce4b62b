given("of-rgb__videoscan_5",{"outcomes":"333333323322332133323323","labels":null});
